"""One measurement, three engines of the same law: radial chains, undrawn weights, drawn weights."""
