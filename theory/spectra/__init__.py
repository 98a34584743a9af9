"""What products of random matrices do to singular values and volumes.

- `isometry`: orthogonal weights; `top_singular_value`, `mean_singular_value`: of one random matrix.
- `matrix_products`, `lyapunov_spectrum`: growth per matrix, of one vector and of all directions.
- `matrix_logs`: logarithms do not add up; `chains`: the gradient of a linear chain.

Papers: Glorot & Bengio 2010, Saxe et al. 2014, Newman 1986, Davidson & Szarek 2001, Zhang et al. 2023.
Claims: O1 to O4, S2, S3, X6, X7.
"""
