"""An audit of the user's own network: whether it starts as it was meant to, with error rates and causes.

`pytorch`, `flax` and `keras` build the model under many seeds and watch it; `fans` and `recognise` say by which rule
each parameter was drawn; `layers` tests linear layers exactly, given their input; `depth` and `signals` look at the
whole; `page` and `against` say it as a page, and what changed. ``python -m audit package.module:make_model
--shape 32x64`` is the command. Of Fathom nothing but the command and a lesson needs it.
"""

from audit.report import Report
from audit.run import assert_initialised, audit
from audit.statement import AuditError, Statement
from audit.vary import vary

__all__ = ["AuditError", "Report", "Statement", "assert_initialised", "audit", "vary"]
