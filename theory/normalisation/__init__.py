"""What normalisation does at initialisation, and what gradient descent makes of scale invariance.

- `branches`: centred weights, normalised branches, LSUV; `scale_invariance`: gradient, rate and norm below a norm;
  `multiplier`: what of that is true below a multiplier.
- `batch_norm`: the bias below it, and what gain and shift give back; `output_moments`: what layers below cannot move.
- `layer_norm`: what it and RMSNorm make of an input; `norm_gradients`: their Jacobians.
- `query_key_norm`: logits of normalised queries and keys.

Papers: De & Smith 2020, Balduzzi et al. 2017, Mishkin & Matas 2016, van Laarhoven 2017, Brock et al. 2021,
Zhang et al. 2019 (Fixup), Ioffe & Szegedy 2015, Ba, Kiros & Hinton 2016, Zhang & Sennrich 2019, Henry et al. 2020.
Claims: B7, B11 to B13, F14, F23, L1 to L6, O5, R12.
"""
