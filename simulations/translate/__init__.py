"""Translation of phrases by an encoder-decoder: vocabularies, the task with its scores, and the command."""
