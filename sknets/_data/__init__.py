"""Floor 3: X and y as users give them, and what of them networks learn."""
