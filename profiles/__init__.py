"""A network's variance per depth beside its closed form: theory and measurement of any network, in one call.

`profile` takes a network of `simulations`, finds what `theory` says of each of its blocks, measures it, and judges
every depth by `evidence`. ``python -m profiles --help`` is the same as a command.
"""

from profiles.profile import Column, Profile, profile
from profiles.theory_of import steps_of

__all__ = ["Column", "Profile", "profile", "steps_of"]
