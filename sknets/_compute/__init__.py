"""Floor 0: devices, seeds and threads. Knows torch only."""
