"""What products of random matrices do to singular values and volumes.

Papers: Glorot & Bengio 2010, Saxe et al. 2014, Newman 1986, Davidson & Szarek 2001, Zhang et al. 2023.
Claims: O1 to O4, S2, S3, X6, X7.
"""
