"""How mean squares of states and gradients grow or shrink with the depth of a plain net.

Papers: Glorot & Bengio 2010, He et al. 2015, Hanin 2018, Hanin & Rolnick 2018.
Claims: B8, C1, C2, C10 to C16, C18, C21, X1 to X4, X8 to X11.
"""
