"""Documentation of the parameters and attributes that estimators share."""

import inspect

from sknets._networks.activations import ACTIVATIONS

PARAMETERS = """\
optimizer : {{"sgd", "adagrad", "adam", "adamw"}} or callable, default={optimizer!r}
    Optimizer for training. A name selects torch's optimizer of that name, in a
    fused version that updates all weights in one call. "adagrad" starts its
    accumulator at 0.1, as in TensorFlow.

    A callable returns a ``torch.optim.Optimizer``. It is a class or a
    `functools.partial` of one. It is called with the parameters and
    ``lr=learning_rate``, and with `weight_decay` if that is not zero.

learning_rate : float or "auto", default={learning_rate!r}
    Step size of the optimizer at the start of the schedule. "auto" chooses the rate
    that suits the optimizer:
    {rates}.
    It also knows torch's classes of these optimizers. For others, pass a number.

lr_schedule : {{"constant", "cosine", "trapezoid"}} or callable, default={lr_schedule!r}
    Schedule of the learning rate.

    - "constant" keeps the rate at `learning_rate`.
    - "cosine" decreases the rate to zero along half a cosine, over the updates of
      one `fit` [2]_.
    - "trapezoid" raises the rate from zero over the first 5 % of the updates, keeps
      it, and decreases it to zero over the last 30 %.
    - A callable returns a scheduler for the optimizer. It is a class of
      `torch.optim.lr_scheduler`, a `functools.partial` of one, or a function.

    A scheduler steps after each epoch, with two exceptions that step after each
    update. One is CyclicLR. The other is a callable with a parameter `total_steps`,
    such as OneCycleLR: it gets the number of updates of this `fit`. For both, set
    ``cycle_momentum=False`` if the optimizer has no momentum.

    A callable with a parameter `T_max` that is not set gets the number of epochs.
    ReduceLROnPlateau uses the validation loss if there is one, else the training
    loss.

    Each `fit` starts a new schedule. `partial_fit` uses the constant rate, because
    its last call is not known.

weight_decay : {decay_type}, default={weight_decay!r}
    Strength of the L2 penalty ``weight_decay / 2 * ||w||^2`` on all weights except
    the biases. For "adamw", the decay is decoupled from the gradient.{decay_auto}

max_grad_norm : float or None, default={max_grad_norm!r}
    Maximum Euclidean norm of the gradient over all parameters. A larger gradient is
    scaled down to this norm. None leaves gradients unchanged.

batch_size : int, default={batch_size!r}
    Maximum number of rows per update. Each epoch is split into as few batches as
    possible. Their sizes differ by at most one row.

max_epochs : int or "auto", default={max_epochs!r}
    Maximum number of passes over the training data. "auto" chooses as many as
    {budget} updates need, and at least {auto_epochs}.

early_stopping : bool, default={early_stopping!r}
    Whether to stop training when the validation loss no longer improves, or the
    validation score if `scoring` is set. The weights of the best epoch are kept. If
    `fit` gets no `X_val`, a part of the training data is held out for validation.
    {stratified}`partial_fit` ignores this parameter.

validation_fraction : float, default={validation_fraction!r}
    Fraction of the training data, in (0, 1), that early stopping holds out.

n_iter_no_change : int or "auto", default={n_iter_no_change!r}
    Number of consecutive epochs without improvement after which early stopping ends
    training. "auto" stands for a fifth of the epochs that `fit` may train for, but
    at least 10.

tol : float, default={tol!r}
    Tolerance of early stopping. An epoch counts as an improvement if its validation
    loss or score is better than the best so far by more than `tol`.

scoring : str, callable or None, default={scoring!r}
    Scorer of the validation data after each epoch. Early stopping then uses the
    score instead of the loss. See :func:`sklearn.metrics.check_scoring` for valid
    names and callables. Without validation data, `scoring` has no effect and `fit`
    warns.

warm_start : bool, default={warm_start!r}
    Whether `fit` continues from the weights and the optimizer state of the previous
    call. X must have the same features{same_classes}.
    The parameters of the network keep their values from that call, and so do
    `optimizer`, `weight_decay`, `callbacks`, `device`, `dtype`, `random_state` and
    `verbose`. If one of them has changed, `fit` warns.

callbacks : list of skorch callbacks or None, default={callbacks!r}
    Callbacks of skorch, called during training. Each `fit` copies them. The copies
    are in ``net_.callbacks_``.

    - :class:`sknets.Checkpoint` is no callback of skorch, but also belongs here.
      With it, `fit` goes on after a kill.
    - For scikit-learn's own callbacks, call `set_callbacks` instead.
    - Callbacks that compute scores see classes as their positions in `classes_`.
    - Callbacks that score or monitor validation data need `X_val` or
      `early_stopping`.
    - The validation data are not split into batches, so BatchScoring needs
      ``on_train=True``.
    - LRScheduler needs ``lr_schedule="constant"``.
    - Dense networks train without autograd. Hooks of their modules are not called,
      and each batch overwrites the gradients of the previous one.

device : str or torch.device, default={device!r}
    Device for training and prediction: "cpu", "cuda", "cuda:1" or "mps". "auto"
    selects CUDA if it is available, else MPS, else the CPU.

dtype : {{"float32", "float64"}}, default={dtype!r}
    Precision of the weights and of training. For prediction, dense layers compute
    in float64 if X is not float32, even if the weights are float32.

random_state : int, RandomState instance or None, default={random_state!r}
    Seed of {random_parts}.
    Pass an int for the same result in each call. Global random generators are
    neither used nor changed.

verbose : int, default={verbose!r}
    0 prints nothing. 1 prints a line per epoch with the losses, the score, the
    learning rate of the first update and the duration in seconds. Notebooks and
    files get about 20 lines, if there are more epochs. 2 also shows a progress bar,
    but not in a file."""

PERCEPTRON = """\
hidden_layer_sizes : int or sequence of int, default={hidden_layer_sizes!r}
    Number of units in each hidden layer.

activation : {{{activations}}}, default={activation!r}
    Activation function of the hidden layers.

dropout : float, default={dropout!r}
    Probability, in [0, 1), that a hidden unit is dropped for a row of a training
    batch [1]_. 0 switches dropout off.

pretrained : estimator or None, default={pretrained!r}
    Fitted `DenoisingAutoencoderTransformer`, or fitted pipeline that ends in one.
    The hidden layers start from the weights of its encoder. None starts from random
    weights.

    - `hidden_layer_sizes` must start with the encoder's `hidden_layer_sizes` and
      `n_components`. `activation` must be the same.
    - The steps of the pipeline are not applied: pass X as the autoencoder gets it.
    - `clone` copies the fitted autoencoder. To use it as a value in the grid of a
      search, wrap it in `sklearn.frozen.FrozenEstimator`."""

CLASS_WEIGHT = """\
class_weight : dict, "balanced" or None, default={class_weight!r}
    Weights of the classes, as ``{{label: weight}}``. "balanced" gives each class
    the weight ``n_samples / (n_classes * n_samples_of_class)``, where each row
    counts with its `sample_weight`. None gives all classes the same weight.

"""

STANDARDIZE = """\
standardize : bool or "auto", default={standardize!r}
    Whether the network subtracts the mean of each {feature} from X, and divides by
    the standard deviation. Both come from the first call of `fit` or `partial_fit`,
    with `sample_weight`. `module_` takes X in its own units.

    - True does so for all {feature}s. A sparse X is only divided.
    - False uses X as it is.
    - "auto" leaves X as it is if the {feature}s were standardised before, or are
      pixels in [0, 1]: at least a quarter of the entries is zero, and none is
      negative. Pixels of another range are divided by their maximum. All other
      {feature}s are standardised; if they share one range, by one standard deviation.
      Sparse X is not centred; if the norms of its rows are small, as from
      TfidfVectorizer, all rows are multiplied by one factor.{pretrained_note}

"""

CLASSES = """\
classes_ : ndarray of shape (n_classes,)
    Sorted labels of the classes. For a multilabel y, the numbers of its columns.

"""

ATTRIBUTES = """\
n_features_in_ : int
    Number of features seen during `fit`.

feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Names of the features seen during `fit`. Only defined if all names are strings.

net_ : skorch.NeuralNet
    The trained net, with its optimizer and history.

module_ : torch.nn.Module
    The network itself. It returns {emits}.

device_ : torch.device
    Device of the weights.

n_iter_ : int
    Number of epochs run. It includes earlier calls if training continued from them.

loss_curve_ : list of float
    Mean training loss of each epoch.
    {loss_note}

validation_loss_curve_ : list of float or None
    Mean validation loss after each epoch. None if there were no validation data.
    NaN for epochs of earlier calls that had none.

validation_scores_ : list of float or None
    Validation score after each epoch, by `scoring`. None if no epoch had one.

best_epoch_ : int or None
    Number of the epoch whose weights early stopping kept, counted from 1. None
    without early stopping."""


AUTO_DECAY = """
    "auto" is ``{decay_strength} / n_samples``. If `sample_weight` are whole numbers,
    their sum is the number of samples. "auto" is 0 if the first call is
    `partial_fit`, which does not know the number of samples, and if `optimizer` is
    a callable."""


def describe_decay(cls):
    """Return the automatic weight decay of an estimator as text."""
    return AUTO_DECAY.format(decay_strength=cls._decay_strength)


PRETRAINED_NOTE = """
      With `pretrained`, "auto" uses X as it is."""


def describe_rates(cls):
    """Return the automatic learning rates of an estimator as text."""
    is_fixed = isinstance(cls._rates, dict)
    rates = cls._rates if is_fixed else cls._usual_rates
    text = ", ".join(f'{rate:g} for "{name}"' for name, rate in rates.items())
    return text if is_fixed else f"{text};\n    {cls._rates_note}"


def complete_docstring(cls):
    """Fill ``{parameters}`` and ``{attributes}`` in the docstring of an estimator.

    The defaults are read from the signature, so they are always up to date.
    """
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(cls).parameters.items()
    }
    classifier = "class_weight" in defaults
    has_auto_decay = defaults["weight_decay"] == "auto"
    facts = {
        "activations": ", ".join(f'"{name}"' for name in ACTIVATIONS),
        "budget": cls._budget,
        "auto_epochs": cls._budget.min_epochs,
        "rates": describe_rates(cls),
        "decay_type": 'float or "auto"' if has_auto_decay else "float",
        "decay_auto": describe_decay(cls) if has_auto_decay else "",
        "feature": "channel" if "channels" in defaults else "feature",
        "pretrained_note": PRETRAINED_NOTE if "pretrained" in defaults else "",
        "stratified": "It is stratified by class if each row has one label.\n    "
        if classifier
        else "",
        "same_classes": ", and y the same classes" if classifier else "",
        "random_parts": cls._random_parts,
        "emits": cls._emits,
        "loss_note": cls._loss_note,
    }
    parameters = (
        (CLASS_WEIGHT if classifier else "")
        + (STANDARDIZE if "standardize" in defaults else "")
        + PARAMETERS
    )
    attributes = (CLASSES if classifier else "") + ATTRIBUTES
    texts = {
        "{perceptron}": PERCEPTRON,
        "{parameters}": parameters,
        "{attributes}": attributes,
    }
    # From Python 3.13 on, the compiler removes the indentation of docstrings.
    docstring = inspect.cleandoc(cls.__doc__)
    for placeholder, text in texts.items():
        if placeholder in docstring:
            text = text.format(**defaults, **facts)
            docstring = docstring.replace(placeholder, text)
    docstring = docstring.replace("{activations}", f"{{{facts['activations']}}}")
    cls.__doc__ = docstring
    return cls
