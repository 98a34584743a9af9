"""Training by SGD: the command, the compiled step, checkpoints."""
