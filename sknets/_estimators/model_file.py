"""Save a fitted estimator to a file that holds no code, and load it."""

import os

from sklearn.utils.validation import check_is_fitted

from sknets._estimators.document import describe, restore
from sknets._persistence.container import read_container, write_container


class ModelFile:
    """Mixin of the estimators: `save`."""

    _saved_attributes = ("n_features_in_", "best_epoch_")  # of a file, always

    def save(self, path, *, include_optimizer=False):
        """Write the fitted estimator to a file, which :func:`sknets.load` reads.

        The file has the format of safetensors. It holds numbers and JSON, no code. It
        is written to a temporary file in the same folder first, so the old file stays
        whole until the new one is.

        Parameters
        ----------
        path : str or path-like
            File to write, or to replace. The usual suffix is ".safetensors".

        include_optimizer : bool, default=False
            Whether to save the optimizer's state too. With it, `partial_fit` and
            ``warm_start=True`` continue as if there had been no file. It takes as much
            space as the weights for "adagrad", and twice as much for "adam" and
            "adamw".

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If a parameter cannot be written: a callable, a `RandomState`, callbacks.
            Also if the estimator is of a subclass. Nothing is written then.
        ValueError
            If the weights are not finite, or the network was changed.

        Notes
        -----
        `device` is not saved. `pretrained` is saved as None; the weights have what
        pre-training did. A Checkpoint in `callbacks` is left out. Attributes that `fit`
        does not set, and callbacks of the past, are not saved.
        """
        check_is_fitted(self)
        write_container(path, *describe(self, include_optimizer=include_optimizer))


def load(path, device="auto"):
    """Load an estimator that `save` wrote.

    No code in the file can run: the file is checked, and never unpickled.

    Parameters
    ----------
    path : str or path-like
        File to read.

    device : str or torch.device, default="auto"
        Device of the network, and the parameter `device` of the estimator.

    Returns
    -------
    estimator : object
        The fitted estimator.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file is damaged, was not written by `save`, or was written by a later
        version of sknets in a newer format. Also if the device is not available.

    See Also
    --------
    to_onnx : Convert an estimator to a model that runs without Python.
    Checkpoint : Save the state of a training that may be killed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> import sknets
    >>> X, y = load_iris(return_X_y=True)
    >>> model = sknets.SoftmaxClassifier(random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "iris.safetensors")
    ...     model.save(path)
    ...     again = sknets.load(path)
    >>> bool((again.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    path = os.fspath(path)
    try:
        return restore(*read_container(path), device)
    except (ValueError, TypeError, OverflowError, RuntimeError) as error:
        raise ValueError(f"Cannot load {path!r}: {error}") from error
