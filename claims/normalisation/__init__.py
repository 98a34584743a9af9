"""What normalisation does at initialisation, and what gradient descent makes of scale invariance.

Papers: De & Smith 2020, Mishkin & Matas 2016, van Laarhoven 2017, Brock et al. 2021, Ioffe & Szegedy 2015,
Zhang et al. 2019 (Fixup).
Claims: B7, B11 to B13, F14, F23, O5, R12.
"""
