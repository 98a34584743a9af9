"""Wrong versions of the project itself: what a claim or a derivation would let pass (`make attack`)."""
