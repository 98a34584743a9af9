"""What products with a random matrix say of it, and which independence assumptions are true.

- `conditioning`: Gaussian weights of which products are known, the ground of the undrawn engine.
- `active_units`: a ReLU layer whose units have no names, the ground of the engine of active units.
- `gradient_independence`: forward and backward weights taken as independent, in one layer; `ones_in_depth`: in many.

Papers: Schoenholz et al. 2017, Yang & Schoenholz 2017, He et al. 2015; of the engines none.
Claims: C10, S4, U1 to U4.
"""
