"""A fixture for pytest, ``initialised``: a test with it fails, with the table, if a model does not start as it should.

Installed, pytest finds it by itself. Nothing of Fathom is imported until a test calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from audit import Report


@pytest.fixture
def initialised() -> Callable[..., Report]:
    """Return a function that audits a model, and fails the test if anything is against it: ``initialised(Net, x)``.

    It takes what `audit.audit` takes, and returns the report.
    """
    return _initialised


def _initialised(factory: Callable[..., Any], inputs: Any, **options: Any) -> Report:
    __tracebackhide__ = True
    from audit import AuditError, audit

    try:
        report = audit(factory, inputs, **options)
    except AuditError as refused:
        trouble = f"the model cannot be audited: {refused}"
    else:
        if report.sound:
            return report
        trouble = f"the model does not start as it should\n{report}"
    pytest.fail(trouble, pytrace=False)
