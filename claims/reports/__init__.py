"""What a run found: for the terminal, as a page, as JSON."""
