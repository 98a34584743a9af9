"""What the lessons simulate, derive, draw and ask: one file a lesson, with no user interface in it."""
