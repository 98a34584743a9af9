"""What a recurrent net keeps of its state and of its gradients over time.

Papers: Hochreiter & Schmidhuber 1997, Gers et al. 2000, Pascanu et al. 2013.
Claims: N1 to N4.
"""
