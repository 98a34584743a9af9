"""How fast Fathom is, and how often its claims err: programs, not part of the packages."""
