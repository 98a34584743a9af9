"""How mean squares of states and gradients grow or shrink with the depth of a plain net.

- `norms`: forwards; `backward`, `backward_fluctuations`: backwards.
- `weight_gradients`, `jacobian_entries`: of each matrix, of each entry.
- `glorot`: the variances that keep both; `compromise`: what Glorot's costs; `attenuation`: what too small weights do.
- `dropout`: He's variance behind a mask; `first_layer`: before any ReLU.
- `linear_gradients`: Glorot's equation 7 at uneven widths; `near_zero`: small weights make sigmoid nets affine.
- `sigmoid_distances`: they make all inputs alike; `saturation`: where the first steps then push the top layer.

Papers: Glorot & Bengio 2010, He et al. 2015, Hanin 2018, Hanin & Rolnick 2018.
Claims: B8, C1, C2, C10 to C16, C18, C21, X1 to X4, X8 to X11.
"""
