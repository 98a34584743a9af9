"""What one layer does to the mean square and the variance, and which gain keeps them.

- `one_layer`: a linear layer, and the laws that weights are drawn from.
- `products`, `fans`, `conventions`: what fans count in layers of any kind, and what frameworks count.
- `pre_activations`: biases, and moments beyond the second.
- `rectifiers`, `gains`, `selu`: the activations, and the gain that undoes each.
- `gain_stability`: gains at any variance, and whether deep nets stay at it.
- `any_activation`, `panels`, `pairs`: the same for a function of the reader's, and for gated pairs as SwiGLU.

Papers: LeCun et al. 1998, Glorot & Bengio 2010, He et al. 2015, Klambauer et al. 2017, Shazeer 2020.
Claims: A1 to A4, A6 to A13, B1 to B3, B6, B9, B10, B14.
"""
