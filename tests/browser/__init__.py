"""The lessons and the report in a real browser: ``make browser``."""
