"""Floor 1: torch modules, their gradients and losses. Knows torch only."""
