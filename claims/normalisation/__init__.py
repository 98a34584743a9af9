"""What normalisation does at initialisation, and what gradient descent makes of scale invariance.

Papers: De & Smith 2020, Mishkin & Matas 2016, van Laarhoven 2017, Brock et al. 2021, Ioffe & Szegedy 2015,
Zhang et al. 2019 (Fixup), Ba, Kiros & Hinton 2016, Zhang & Sennrich 2019, Henry et al. 2020.
Claims: B7, B11 to B13, F14, F23, L1 to L6, O5, R12.
"""
