"""Base class of the classifiers: labels, weights and probabilities."""

from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from sknets._data.inputs import check_validation_arguments, to_host
from sknets._data.sklearn_compat import (
    StrOptions,
    check_partial_fit_first_call,
    fit_context,
)
from sknets._data.targets import Labels, find_targets
from sknets._data.weights import (
    check_weights_fit_dtype,
    count_samples,
    normalise,
    weigh_rows,
    weigh_validation_rows,
)
from sknets._estimators.base import NetworkEstimator
from sknets._estimators.method_docstrings import complete_methods
from sknets._estimators.parameters import STANDARDIZE_CONSTRAINT
from sknets._estimators.rollback import unchanged_on_error
from sknets._estimators.sklearn_callbacks import as_given


@complete_methods
class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """Base class of the classifiers. Their modules return logits."""

    _emits = "logits"
    _multi_label = False
    _saved_attributes = (*NetworkEstimator._saved_attributes, "classes_")
    _loss_note = "With dropout, without the penalty of `weight_decay`."
    _parameter_constraints = NetworkEstimator._parameter_constraints | {
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "standardize": STANDARDIZE_CONSTRAINT,
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Training data.

        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels, of any type that scikit-learn accepts. MLPDropoutClassifier and
            ConvNetClassifier also accept several labels per row: a column of 0 and 1
            for each label.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. Only their ratios matter, but for
            ``weight_decay="auto"``. Rows of weight zero have no influence.

        {X_val}

        y_val : array-like, default=None
            Labels of `X_val`, in the form of y.

        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the rows of `X_val`.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        {training_errors}
        ValueError
            If a parameter or the data are not valid, if y has a single class, or if
            training becomes unstable. The estimator does not change then.
        """
        check_validation_arguments(X_val, y_val, sample_weight_val)
        given = as_given(X, y, sample_weight)
        sample_weight = to_host(sample_weight)
        continues = self._continues(partial=False)
        with unchanged_on_error(self, continues=continues):
            X, y = self._validate(X, y, reset=not continues)
            targets = find_targets(y)
            self._check_targets(targets, "y")
            if continues and targets != self._targets:
                raise ValueError(
                    "warm_start=True requires the targets of the previous fit, "
                    f"{self._targets}; got {targets}."
                )
            codes = targets.encode(y)
            weight, weight_by_class = weigh_rows(
                sample_weight, self.class_weight, targets.classes, codes, relative=True
            )
            if not continues:
                self._targets = targets
                self.classes_ = targets.classes
                self._build(X, weight, n_samples=count_samples(sample_weight, X))
            validation = self._validate_validation(
                X_val, y_val, sample_weight_val, weight_by_class
            )
            return self._train(
                X, codes, normalise(weight), given=given, validation=validation
            )

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one pass over a chunk of data.

        Training continues from the weights and the optimizer state of the previous call
        of `partial_fit` or `fit`.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            A chunk of the training data.

        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels of the chunk.

        classes : array-like of shape (n_classes,), default=None
            All labels that y can have in any call. For several labels per row, pass
            ``range(n_labels)``. Required in the first call.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, finite in `dtype`. They are not divided by their mean,
            because the mean over all chunks is not known.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        {training_errors}
        ValueError
            If a parameter or the data are not valid, if y has an unknown label, or if
            training becomes unstable. The estimator does not change then.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported by partial_fit, because a "
                "chunk has only a part of y. Pass the weights as a dict."
            )
        given = as_given(X, y, sample_weight)
        sample_weight, classes = to_host(sample_weight), to_host(classes)
        continues = self._continues(partial=True)
        with unchanged_on_error(self, continues=continues):
            check_partial_fit_first_call(self, classes)
            X, y = self._validate(X, y, reset=not continues)
            if not continues:
                self._targets = type(find_targets(y))(self.classes_)
            self._check_targets(self._targets, "classes")
            codes = self._targets.encode(y)
            weight, _ = weigh_rows(
                sample_weight, self.class_weight, self.classes_, codes, relative=False
            )
            check_weights_fit_dtype(
                weight, self._fitted_dtype if continues else self.dtype
            )
            if not continues:
                self._build(X, weight)
            return self._train(X, codes, weight, given=given, single_pass=True)

    def decision_function(self, X):
        """Return the logits.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes) or (n_samples,)
            Logits of the classes. For two classes, the log-odds of ``classes_[1]``. For
            several labels per row, a column with the log-odds of each label. float32 if
            X is float32, else float64.

        Raises
        ------
        {evaluation_errors}
        """
        return self._evaluate(X, "decision")

    def predict(self, X):
        """Predict the most probable label of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Labels, of the dtype of `classes_`. For several labels per row, a column of
            0 and 1 for each label.

        Raises
        ------
        {evaluation_errors}
        """
        codes = self._evaluate(X, "codes")
        return self._targets.decode(codes)

    def predict_proba(self, X):
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`. float32 if X is float32, else float64.

        Raises
        ------
        {evaluation_errors}
        """
        return self._evaluate(X, "probabilities")

    def predict_log_proba(self, X):
        """Return the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`. Finite even if a probability underflows
            to zero.

        Raises
        ------
        {evaluation_errors}
        """
        return self._evaluate(X, "log_probabilities")

    def _evaluate(self, X, result):
        """Compute logits of X. Return the result of the loss's method of that name."""
        check_is_fitted(self)
        finish = getattr(self._targets.criterion, result)
        return self._forward(X, finish=finish)

    def _restore_targets(self, plain):
        targets = Labels.from_plain(plain, self.classes_)
        if not (targets.exclusive or self._multi_label):
            raise ValueError(f"{type(self).__name__} has no several labels per row")
        self._check_targets(targets, "classes")
        return targets

    @property
    def _y_options(self):
        return {"multi_output": self._multi_label}

    def _check_targets(self, targets, name):
        if len(targets.classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes in {name}; got "
                f"only one class: {targets.classes[0]!r}."
            )
        if self.class_weight is not None and not targets.exclusive:
            raise ValueError(
                "class_weight must be None for a multilabel y, because a row can have "
                f"several labels; got {self.class_weight!r}. Use sample_weight instead."
            )

    def _validate_validation(self, X, y, sample_weight, weight_by_class):
        """Return validated X, codes and weights of the validation data, or None."""
        if X is None:
            return None
        try:
            X, y = self._validate(X, y, reset=False)
            codes = self._targets.encode(y)
        except ValueError as error:
            raise ValueError(f"X_val or y_val is not valid: {error}") from error
        weight = weigh_validation_rows(to_host(sample_weight), weight_by_class, codes)
        return X, codes, weight

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self._multi_label
        return tags
