"""What products with a random matrix say of it, and which independence assumptions are true.

Papers: Schoenholz et al. 2017, Yang & Schoenholz 2017, He et al. 2015; engines: derived here.
Claims: C10, S4, U1 to U4.
"""
