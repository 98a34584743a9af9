"""What fails the test that unpickles it."""

import pytest


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return pytest.fail, ("unpickled",)
