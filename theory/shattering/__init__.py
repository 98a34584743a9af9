"""How the gradients at two inputs decorrelate with depth.

- `masks`: if masks were coins; `two_layers`: with a net's own, at finite width; `brown`: along a line of inputs.
- `residual_pairs`, `small_shares`: with shortcuts, and with branches of small shares.
- `looks_linear`: the initialisation that avoids it.

Papers: Balduzzi et al. 2017.
Claims: G1 to G6.
"""
