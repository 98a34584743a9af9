"""What a recurrent net keeps of its state and of its gradients over time.

- `lstm`: through the cell; `norms`: what a step stretches at most; `tied_weights`: one matrix again and again.

Papers: Hochreiter & Schmidhuber 1997, Gers et al. 2000, Pascanu et al. 2013.
Claims: N1 to N4.
"""
