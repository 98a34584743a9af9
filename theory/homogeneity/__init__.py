"""What positive homogeneity alone says of gradients, and when the bounds say nothing.

- `euler`: the identity, and how degrees combine; `degrees`, `degrees_of_images`, `degrees_of_joins`: which layers
  keep one.
- `softmax`, `bounds`: theorems 1 and 2, and the identity behind them.
- `weighted`: exponents in place of sets, for Transformers.
- `maximum`, `gaussian_logits`, `vacuous`: how often they say something; `initial_loss`: the loss at the start.

Papers: Zhang et al. 2019 (Fixup), theorems 1 and 2.
Claims: P1 to P19.
"""
