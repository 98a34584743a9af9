"""Homogeneous sets: outputs scale by their degree, and the sets are those of claim P12."""

import numpy as np

from claims.homogeneity import sets as claimed_sets
from tests.figures.agreement import quick


def test_homogeneous_sets_scale_by_their_degree() -> None:
    rows = quick("homogeneous_sets").where(row="scaling")
    known = np.isfinite(rows.numbers("degree"))
    np.testing.assert_allclose(rows.numbers("measured")[known], rows.numbers("expected")[known], rtol=1e-12)
    sets = {name: rows.where(set=name)["layer"][0] for name in "ABCD"}
    assert sets == {
        "A": "stem.weight",
        "B": "readout.weight",
        "C": "block1.layer0.weight block1.shortcut.weight",
        "D": "block1.layer1.weight block1.shortcut.weight",
    }
    claimed = {names - {claimed_sets.LAST} for names in claimed_sets.SETS.values()}  # here without a bias
    assert {frozenset(names.split()) for names in sets.values()} == claimed, "not the sets of claim P12"
    layers = quick("homogeneous_sets").where(row="layer")
    marked = [(*path.split(), letters) for path, letters in zip(layers["path"], layers["set"], strict=True) if letters]
    assert marked == [("0", "trunk", "A"), ("2", "branch", "C"), ("2", "branch", "D"), ("2", "shortcut", "CD"),
                      ("3", "trunk", "B")]  # fmt: skip
    assert rows.where(set="A and B", factor=4.0)["expected"].tolist() == [16]
    alone = rows.where(set="one layer").numbers("measured")
    slopes = np.diff(np.log2(alone)) / 0.5
    assert slopes.min() < 0.1, "a branch layer alone looks homogeneous of degree 1"
    assert slopes.max() > 0.8, "a branch layer alone looks constant"
