"""What the documentation says is what the code has."""

import inspect
import pydoc
import tomllib
from pathlib import Path

import numpy as np
import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate
from sklearn.exceptions import NotFittedError

import sknets
import sknets.datasets
import sknets.inspection
from sknets import SoftmaxClassifier
from sknets._estimators.docstrings import complete_docstring
from sknets._estimators.registry import PUBLIC_ESTIMATORS

PUBLIC = [getattr(sknets, name) for name in sknets.__all__]
ESTIMATORS = list(PUBLIC_ESTIMATORS.values())
METHODS = [
    getattr(estimator, name)
    for estimator in ESTIMATORS
    for name in vars(estimator) | vars(estimator.__mro__[1])
    if not name.startswith("_") and inspect.isfunction(getattr(estimator, name))
]
FUNCTIONS = [one for one in PUBLIC if inspect.isfunction(one)]
FUNCTIONS += [getattr(sknets.datasets, name) for name in sknets.datasets.__all__]
FUNCTIONS.append(SoftmaxClassifier.save)

MODULES = [sknets, sknets.datasets, sknets.inspection]
NAMES = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in MODULES
    for name in module.__all__
    if callable(getattr(module, name))
}

# Checks of numpydoc's validation that are not made, and why.
NOT_CHECKED = {
    "ES01",  # one sentence can say all
    "GL02",  # assembled docstrings have no closing quotes; ruff checks the others
    "RT02",  # returned values have a name, as in scikit-learn
}
# The page of the class has the examples and the links of its methods.
NOT_CHECKED_IN_METHODS = NOT_CHECKED | {"EX01", "SA01"}


def is_own(cls, name):
    """Return whether an attribute of a class comes from this package."""
    owner = next(base for base in cls.__mro__ if name in vars(base))
    maker = type(vars(owner)[name])  # scikit-learn makes set_fit_request
    return not any(kind.__module__.startswith("sklearn") for kind in (owner, maker))


def members(name, cls):
    """Yield the full names of the public members of a class that are its own."""
    for member in dir(cls):
        if not member.startswith("_") and is_own(cls, member):
            # The validator does not take a classmethod for a function.
            is_bound = inspect.ismethod(getattr(cls, member))
            yield f"{name}.{member}" + (".__func__" if is_bound else "")


MEMBERS = [
    member
    for name, public in NAMES.items()
    if inspect.isclass(public)
    for member in members(name, public)
]


def sections(documented):
    return NumpyDocString(inspect.getdoc(documented))


@pytest.mark.parametrize("estimator", ESTIMATORS)
class TestEstimators:
    def test_parameters_are_those_of_the_signature(self, estimator):
        documented = {p.name: p.type for p in sections(estimator)["Parameters"]}
        signature = inspect.signature(estimator).parameters
        assert list(documented) == list(signature)
        for name, parameter in signature.items():
            assert parameter.default is not inspect.Parameter.empty
            default = repr(parameter.default).replace("'", '"')
            found = documented[name].split("default=")[1].replace("'", '"')
            assert found == default, name

    def test_all_but_the_first_parameter_are_keywords(self, estimator):
        kinds = [p.kind for p in inspect.signature(estimator).parameters.values()]
        assert set(kinds[1:]) == {inspect.Parameter.KEYWORD_ONLY}

    def test_fitted_attributes_are_documented(self, estimator, small):
        fitted = estimator(max_epochs=1).fit(*small)
        public = {n for n in vars(fitted) if n.endswith("_") and n[0] != "_"}
        public |= {n for n in dir(estimator) if n.endswith("_") and n[0] != "_"}
        documented = {a.name for a in sections(estimator)["Attributes"]}
        assert documented - {"feature_names_in_"} == public

    def test_has_everything_that_a_reader_looks_for(self, estimator):
        found = sections(estimator)
        for section in ("Summary", "See Also", "Notes", "References", "Examples"):
            assert found[section], section


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_shared_texts_fit_docstrings_of_every_compiler(estimator):
    # From Python 3.13 on, the compiler has taken the indentation away already.
    indented = """Estimate.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    Notes
    -----
    Last.
    """
    found = []
    for docstring in (indented, inspect.cleandoc(indented)):
        kind = type(estimator.__name__, (estimator,), {"__doc__": docstring})
        found.append(complete_docstring(kind).__doc__)
    assert found[0] == found[1]
    shared = NumpyDocString(found[0])
    documented = sections(estimator)
    names = [p.name for p in shared["Parameters"]]
    assert names == [p.name for p in documented["Parameters"]][-len(names) :]
    assert {"optimizer", "verbose"} <= set(names)
    assert shared["Parameters"] == documented["Parameters"][-len(names) :]
    attributes = [a.name for a in shared["Attributes"]]
    assert {"n_features_in_", "best_epoch_"} <= set(attributes)
    assert shared["Notes"] == ["Last."]


@pytest.mark.parametrize("function", METHODS + FUNCTIONS)
def test_functions_document_parameters_and_returns(function):
    found = sections(function)
    names = [n for n in inspect.signature(function).parameters if n != "self"]
    assert [p.name.lstrip("*") for p in found["Parameters"]] == names
    assert bool(found["Returns"]) == (function is not SoftmaxClassifier.save)
    assert found["Summary"]


@pytest.mark.parametrize("name", [*NAMES, *MEMBERS])
def test_numpydoc_accepts_the_docstring(name):
    ignored = NOT_CHECKED if name in NAMES else NOT_CHECKED_IN_METHODS
    errors = [error for error in validate(name)["errors"] if error[0] not in ignored]
    assert errors == []


def test_numpydoc_looks_at_what_users_call():
    assert "sknets.inspection.FilterDisplay.from_estimator.__func__" in MEMBERS
    assert {name.rpartition(".")[2] for name in MEMBERS} >= {
        *("fit", "predict", "transform", "score", "sample", "save", "module_", "plot")
    }
    assert not any("request" in name or "set_output" in name for name in MEMBERS)
    assert {"sknets.load", "sknets.datasets.read_idx"} <= set(NAMES)


EVALUATIONS = [
    (estimator, name)
    for estimator in ESTIMATORS
    for name in dir(estimator)
    if inspect.isfunction(getattr(estimator, name))
    and is_own(estimator, name)
    and next(iter(inspect.signature(getattr(estimator, name)).parameters)) == "self"
    and "X" in inspect.signature(getattr(estimator, name)).parameters
    and not name.startswith(("_", "fit", "partial"))
]


@pytest.mark.parametrize(("estimator", "name"), EVALUATIONS)
def test_evaluation_documents_what_it_raises(estimator, name, small):
    X, _ = small
    fitted = estimator(max_epochs=1).fit(*small)
    cases = [
        (estimator(), X, NotFittedError),
        (fitted, {"a": 1}, TypeError),
        (fitted, np.full_like(X, np.nan), ValueError),
        (fitted, np.ones((2, 77)), ValueError),
    ]
    documented = {p.type for p in sections(getattr(estimator, name))["Raises"]}
    for model, rows, error in cases:
        with pytest.raises(error):
            getattr(model, name)(rows)
        assert error.__name__ in documented


@pytest.mark.parametrize("name", ["fit", "partial_fit"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_training_documents_what_it_raises(estimator, name, small):
    X, y = small
    cases = [
        (estimator(batch_size=0), X, ValueError),
        (estimator(optimizer=print, learning_rate=0.1), X, TypeError),
        (estimator(), np.full_like(X, np.inf), ValueError),
        (estimator(), {"a": 1}, TypeError),
    ]
    documented = {p.type for p in sections(getattr(estimator, name))["Raises"]}
    classes = {"classes": [0, 1, 2]} if hasattr(estimator, "predict_proba") else {}
    for model, rows, error in cases:
        with pytest.raises(error):
            getattr(model, name)(rows, y, **classes if name == "partial_fit" else {})
        assert error.__name__ in documented
    assert "MemoryError" in documented


def lines_of_help(thing):
    return pydoc.plain(pydoc.render_doc(thing)).splitlines()


@pytest.mark.parametrize("public", NAMES.values(), ids=NAMES)
def test_help_is_at_most_88_columns_wide(public):
    wide = {line.strip(" |") for line in lines_of_help(public) if len(line) > 88}
    # The texts of scikit-learn's own methods are wider. From Python 3.13 on, some of
    # their lines also say where they come from.
    wide = {line for line in wide if " from sklearn." not in line}
    inherited = [name for name in dir(public) if inspect.isclass(public)]
    for name in inherited:
        if name[0] != "_" and not is_own(public, name):
            wide -= {line.strip(" |") for line in lines_of_help(getattr(public, name))}
    assert wide == set()


def test_long_signatures_are_folded_and_whole():
    signature = inspect.signature(sknets.MLPDropoutRegressor)
    lines = str(signature).splitlines()
    assert len(lines) > 3
    folded = " ".join(line.strip() for line in lines)
    plain = inspect.Signature(list(signature.parameters.values()))
    assert folded.replace("( ", "(").replace(" )", ")") == str(plain)
    assert str(inspect.signature(SoftmaxClassifier.predict)) == "(self, X)"

    class WithItsOwn(SoftmaxClassifier):
        def __init__(self, size=3):
            pass

    assert str(inspect.signature(WithItsOwn)) == "(size=3)"


def test_version_is_that_of_the_project():
    project = Path(__file__).parents[2] / "pyproject.toml"
    expected = tomllib.loads(project.read_text())["project"]["version"]
    assert sknets.__version__ == expected


def test_public_names():
    assert sorted(sknets.__all__) == [
        "Checkpoint",
        "ConvNetClassifier",
        "DenoisingAutoencoderTransformer",
        "MLPDropoutClassifier",
        "MLPDropoutRegressor",
        "SoftmaxClassifier",
        "TRUSTED_TYPES",
        "VariationalAutoencoderTransformer",
        "load",
        "to_onnx",
    ]
