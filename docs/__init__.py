"""The pages behind README, and the parts of them that are generated: ``python -m docs``."""
