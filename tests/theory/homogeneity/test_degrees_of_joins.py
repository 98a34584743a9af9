"""Degrees of dropout and concatenation."""

from theory.homogeneity import degrees_of_joins


def test_dropout_keeps() -> None:
    assert [degrees_of_joins.dropout_degree(k) for k in (None, 0, 2)] == [None, 0, 2]


def test_concatenation_keeps_what_its_parts_share() -> None:
    join = degrees_of_joins.concatenation_degree
    assert (join(1, 1), join(0, 0), join(2, 2)) == (1, 0, 2)
    assert (join(1, 0), join(0, 1), join(None, None), join(None, 1), join(1, None)) == (None,) * 5
