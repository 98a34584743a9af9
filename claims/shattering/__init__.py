"""How the gradients at two inputs decorrelate with depth.

Papers: Balduzzi et al. 2017, Hanin & Rolnick 2019.
Claims: G1 to G8.
"""
