"""A network's variance per depth beside its closed form: theory and measurement of any network, in one call.

`profile` takes a network of `simulations`, finds what `theory` says of each of its blocks, measures it, and judges
every depth by `evidence`. ``python -m profiles --help`` is the same as a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profiles.profiling import profile
    from profiles.record import Column, Profile
    from profiles.theory_of import steps_of

__all__ = ["Column", "Profile", "profile", "steps_of"]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: the workers of a sweep do without theory."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from profiles import record, theory_of
    from profiles.profiling import profile

    return profile if name == "profile" else getattr(theory_of if name == "steps_of" else record, name)
