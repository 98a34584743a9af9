"""Real inputs: the digits that Fathom ships, CIFAR-10 where the user has it, and their splits."""
