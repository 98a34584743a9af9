"""What one layer does to the mean square and the variance, and which gain keeps them.

Papers: LeCun et al. 1998, Glorot & Bengio 2010, He et al. 2015, Klambauer et al. 2017, Shazeer 2020.
Claims: A1 to A4, A6 to A13, B1 to B3, B6, B9, B10, B14.
"""
