"""What attention does to tokens and to gradients at initialisation.

- `logits`: one logit, and two of a head; `steps`: one step of SGD or Adam on it.
- `weights`: softmax over many keys; `outputs`: what it makes of the values, forwards and backwards.
- `rank_collapse`: how tokens draw together; `diameters`: by how much at most, and what that does to gradients;
  `gradients`: identities of every draw, and theorem 1 as it is true; `counterexample`: where it fails.

Papers: Vaswani et al. 2017, Dong, Cordonnier & Loukas 2021, Noci et al. 2022, Zhang et al. 2019 (Fixup).
Claims: Q1 to Q20.
"""
