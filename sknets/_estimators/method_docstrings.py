"""Documentation that methods of the estimators share."""

import inspect

TEXTS = {
    "{X_val}": """\
X_val : {array-like, sparse matrix, tensor}, default=None
    Data of shape (n_val_samples, n_features) for validation after each epoch.
    With ``early_stopping=True``, they decide when to stop, and no training data
    are held out. In a pipeline with metadata routing,
    ``Pipeline(steps, transform_input=["X_val"])`` transforms them like X. If
    they are passed as ``step__X_val``, they are not transformed.""",
    # Each method adds its own ValueError to these two.
    "{training_errors}": """\
MemoryError
    If the network or a batch does not fit into memory.
TypeError
    If a parameter or the data have a type that cannot be used.""",
    "{evaluation_errors}": """\
MemoryError
    If the results do not fit into memory.
NotFittedError
    If the estimator is not fitted.
TypeError
    If X has a type that cannot be used.
ValueError
    If X has infinite or missing values, or other features than in `fit`. Also
    if a result is infinite in its precision.""",
}


def complete_methods(cls):
    """Put the shared texts into the docstrings of a base class's methods."""
    for method in vars(cls).values():
        if inspect.isfunction(method) and method.__doc__:
            # From Python 3.13 on, the compiler removes the indentation of docstrings.
            docstring = inspect.cleandoc(method.__doc__)
            for placeholder, text in TEXTS.items():
                docstring = docstring.replace(placeholder, text)
            method.__doc__ = docstring + "\n"
    return cls
