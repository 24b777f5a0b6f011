"""What SOURCE means: from a checkpoint, a name or a factory to a module."""
