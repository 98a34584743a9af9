"""The papers: how claims spell them, and beside this file the ledger of each, its numbered statements in order."""

from __future__ import annotations

LECUN = "LeCun, Bottou, Orr & Müller 1998"
GLOROT = "Glorot & Bengio 2010"
HE = "He, Zhang, Ren & Sun 2015"
HANIN = "Hanin & Rolnick 2018; Hanin 2018"
FIXUP = "Zhang, Dauphin & Ma 2019 (Fixup)"
