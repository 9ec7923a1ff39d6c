"""Floor 4: what users call."""
