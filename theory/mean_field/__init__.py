"""What wide nets make of lengths and angles, layer by layer.

Papers: Cho & Saul 2009, Poole et al. 2016, Schoenholz et al. 2017.
Claims: B4, B5, M1 to M5, X5.
"""
