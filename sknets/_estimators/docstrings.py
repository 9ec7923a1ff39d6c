"""The parameters and attributes that all estimators share, documented once."""

import inspect

from sknets._networks.activations import ACTIVATIONS

PARAMETERS = """\
optimizer : {{"sgd", "adagrad", "adam", "adamw"}} or callable, default={optimizer!r}
    Kind of optimizer. The names stand for torch's own, fused into one call a step;
    Adagrad's accumulator starts at 0.1, as in TensorFlow. A callable makes a
    ``torch.optim.Optimizer``: a class, or a `functools.partial` of one. It is called
    with the parameters, with ``lr=learning_rate`` and, where that is not zero, with
    `weight_decay`.

learning_rate : float, default={learning_rate!r}
    Step size of the optimizer, at the start of the schedule. The default suits the
    default optimizer: change both together, for example to 0.001 for "adam".

lr_schedule : {{"constant", "cosine"}} or callable, default={lr_schedule!r}
    "cosine" lets the learning rate fall to zero along half a cosine over the updates
    of one `fit` [2]_. A callable makes a scheduler from the optimizer: a class of
    `torch.optim.lr_scheduler`, a `functools.partial` of one or a function. It steps
    after each epoch; but one with a parameter `total_steps`, such as OneCycleLR, is
    given the number of updates of this `fit` and steps after each, and so does
    CyclicLR; for optimizers without momentum, set ``cycle_momentum=False`` there. A
    parameter `T_max` that is not set is given the number of epochs. ReduceLROnPlateau
    goes by the validation loss or, without, by the training loss.
    Each `fit` starts a schedule anew; `partial_fit`, which has no known end, uses the
    constant rate.

weight_decay : float, default={weight_decay!r}
    L2 penalty ``weight_decay / 2 * ||w||^2`` on all weights but the biases; for
    "adamw" decoupled from the gradient.

max_grad_norm : float or None, default={max_grad_norm!r}
    A gradient whose Euclidean norm, over all parameters, is greater is scaled down to
    this one. None leaves gradients as they are.

batch_size : int, default={batch_size!r}
    Rows per update at most. An epoch is cut into as few batches as that allows, of
    equal size but for one row.

max_epochs : int or "auto", default={max_epochs!r}
    Passes over the training data. "auto" takes as many as {auto_updates} updates
    need, and {auto_epochs} at least.

early_stopping : bool, default={early_stopping!r}
    Whether to stop when the loss on validation data no longer improves, or the score by
    `scoring`, and to keep the weights of the best epoch. Without `X_val` in `fit`, a
    part of the training data is held out{stratified}. `partial_fit` does neither.

validation_fraction : float, default={validation_fraction!r}
    Part of the training data to hold out for early stopping.

n_iter_no_change : int, default={n_iter_no_change!r}
    Epochs without improvement after which early stopping ends training.

tol : float, default={tol!r}
    What counts as an improvement of the best validation loss or score so far.

scoring : str, callable or None, default={scoring!r}
    Scorer to record for the validation data after each epoch and to stop by: a name or
    callable that :func:`sklearn.metrics.check_scoring` takes. None stops by the loss.
    Without validation data there is nothing to score, and `fit` warns.

warm_start : bool, default={warm_start!r}
    Whether `fit` continues from the weights and the optimizer state of the previous
    call, on data of the same features{same_classes}. Parameters of the network, and
    `optimizer`, `weight_decay`, `callbacks`, `device`, `dtype`, `random_state` and
    `verbose` stay as they were then; `fit` warns where one has changed.

callbacks : list of skorch callbacks or None, default={callbacks!r}
    Called during training. Each fit copies them; the copies are in
    ``net_.callbacks_``.

    - scikit-learn's own callbacks are set by `set_callbacks` instead.
    - Callbacks that score see the classes as their positions in `classes_`. Those that
      score or watch validation data need some: `X_val` or `early_stopping`.
    - Validation has no batches of its own: BatchScoring needs ``on_train=True``.
    - LRScheduler needs ``lr_schedule="constant"``.
    - Dense networks train without autograd: hooks of their modules are not called, and
      each batch overwrites the gradients of the last.

device : str or torch.device, default={device!r}
    Where to compute: "cpu", "cuda", "cuda:1", "mps". "auto" takes CUDA, else MPS, else
    the CPU.

dtype : {{"float32", "float64"}}, default={dtype!r}
    Precision of the weights and of training. Dense layers predict in float64 for X that
    is not float32, whatever the weights.

random_state : int, RandomState instance or None, default={random_state!r}
    Decides {random_parts}. Pass an int for the same result in each call. Global
    random generators are neither used nor changed.

verbose : int, default={verbose!r}
    1 prints a line per epoch: losses, score, the learning rate of the first update,
    and seconds. 2 adds a progress bar within the epoch."""

PERCEPTRON = """\
hidden_layer_sizes : int or sequence of int, default={hidden_layer_sizes!r}
    Units of the hidden layers.

activation : {{{activations}}}, default={activation!r}
    Activation of the hidden layers.

dropout : float, default={dropout!r}
    Probability with which a hidden unit is dropped for a sample of a training
    batch [1]_, in [0, 1). 0 switches dropout off.

pretrained : estimator or None, default={pretrained!r}
    A fitted `DenoisingAutoencoderTransformer` whose encoder's weights the hidden
    layers start from, or a fitted pipeline that ends in one; then X must be as its
    last step sees it. `hidden_layer_sizes` must start with the encoder's layers,
    `hidden_layer_sizes` and `n_components` there, and `activation` be the same.
    `clone` copies the fitted autoencoder. As a value in the grid of a search, wrap
    it in `sklearn.frozen.FrozenEstimator`."""

CLASS_WEIGHT = """\
class_weight : dict, "balanced" or None, default={class_weight!r}
    Weights of the classes, as ``{{label: weight}}``. "balanced" weighs each class by
    ``n_samples / (n_classes * n_samples_of_class)``, counted in `sample_weight`.

"""

CLASSES = """\
classes_ : ndarray of shape (n_classes,)
    Labels of the classes, sorted; of a multilabel y, the numbers of its columns.

"""

ATTRIBUTES = """\
n_features_in_ : int
    Number of features seen during `fit`.

feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Names of the features; only where X has names that are all strings.

net_ : skorch.NeuralNet
    The trained net, with its optimizer and history.

module_ : torch.nn.Module
    The network itself, which emits {emits}.

device_ : torch.device
    Device of the weights.

n_iter_ : int
    Number of epochs run, over all calls that continued each other.

loss_curve_ : list of float
    Mean training loss in each epoch{loss_note}.

validation_loss_curve_ : list of float or None
    Mean loss on the validation data after each epoch; None where there are none, NaN
    for epochs of an earlier call that had none.

validation_scores_ : list of float or None
    Scores of the validation data by `scoring`.

best_epoch_ : int or None
    The epoch, counted from 1, whose weights early stopping has kept."""


def complete_docstring(cls):
    """Fill ``{parameters}`` and ``{attributes}`` in the docstring of an estimator.

    The defaults come from the signature, so that they cannot go stale.
    """
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(cls).parameters.items()
    }
    classifier = "class_weight" in defaults
    facts = {
        "activations": ", ".join(f'"{name}"' for name in ACTIVATIONS),
        "auto_updates": f"{cls._auto_updates:,}",
        "auto_epochs": cls._auto_min_epochs,
        "stratified": ", stratified by class where a row has one label"
        if classifier
        else "",
        "same_classes": " and classes" if classifier else "",
        "random_parts": cls._random_parts,
        "emits": cls._emits,
        "loss_note": cls._loss_note,
    }
    parameters = (CLASS_WEIGHT if classifier else "") + PARAMETERS
    attributes = (CLASSES if classifier else "") + ATTRIBUTES
    texts = {
        "{perceptron}": PERCEPTRON,
        "{parameters}": parameters,
        "{attributes}": attributes,
    }
    # Compilers from Python 3.13 on take the indentation away, others leave it.
    docstring = inspect.cleandoc(cls.__doc__)
    for placeholder, text in texts.items():
        if placeholder in docstring:
            text = text.format(**defaults, **facts)
            docstring = docstring.replace(placeholder, text)
    docstring = docstring.replace("{activations}", f"{{{facts['activations']}}}")
    cls.__doc__ = docstring
    return cls
