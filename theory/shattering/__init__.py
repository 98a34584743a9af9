"""How the gradients at two inputs decorrelate with depth.

- `block`: two inputs of one block written out entry by entry, over which the others average.
- `masks`, `coin_blocks`: if masks were coins, in layers and in blocks.
- `two_layers`: with a net's own masks, at finite width; `brown`: along a line of inputs; `kinks`: where the
  gradient jumps along a circle; `whiteness`: how its correlation length falls with the depth.
- `residual_pairs`, `small_shares`: with shortcuts, and with branches of small shares.
- `looks_linear`: the initialisation that avoids it.

Papers: Balduzzi et al. 2017, Hanin & Rolnick 2019.
Claims: G1 to G8.
"""
