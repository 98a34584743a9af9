"""How far one draw of a plain net lies from the mean over draws, at finite width.

- `norms`: moments of the square norm and of its logarithm; `log_moments`, `shape_collapse`: the logarithm in depth.
- `across_layers`: the norms of one net from layer to layer.
- `width_and_depth`: how wide a deep net must be; `dying`: nets whose state is 0; `trainable`: whose gradients have a
  reasonable size.
- `weight_laws`, `orthogonal_relu`: other laws of the weights.

Papers: Hanin 2018, Hanin & Rolnick 2018, Saxe et al. 2014.
Claims: C3 to C9, C17, C19, C20, C22.
"""
