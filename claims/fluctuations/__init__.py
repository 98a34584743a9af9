"""How far one draw of a plain net lies from the mean over draws, at finite width.

Papers: Hanin 2018, Hanin & Rolnick 2018, Saxe et al. 2014.
Claims: C3 to C9, C17, C19, C20, C22.
"""
