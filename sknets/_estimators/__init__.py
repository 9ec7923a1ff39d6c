"""Floor 4: the estimators, which are the public interface."""
