"""What the documentation says is what the code has."""

import inspect
import tomllib
from pathlib import Path

import pytest
from numpydoc.docscrape import NumpyDocString

import sknets
import sknets.datasets
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
