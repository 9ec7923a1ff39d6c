"""What notebooks show of an estimator."""

import re
import tomllib
from pathlib import Path

import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

import sknets
from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)
from sknets._estimators.notebook import DOCUMENTATION
from sknets._estimators.registry import PUBLIC_ESTIMATORS

ROOT = Path(__file__).parents[2]
ESTIMATORS = [
    SoftmaxClassifier(standardize=False),
    MLPDropoutClassifier((7, 5)),
    ConvNetClassifier(channels=(2, 3), kernel_size=2, hidden_layer_sizes=4),
    DenoisingAutoencoderTransformer(3, hidden_layer_sizes=4, tied_weights=True),
    VariationalAutoencoderTransformer(2, hidden_layer_sizes=6),
]


def html_of(estimator):
    return estimator._repr_mimebundle_()["text/html"]


def layers_of(html):
    rows = re.findall(
        r"<tr><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td><td[^>]*>(.*?)<", html
    )
    return {name: (layer, int(n.replace(",", ""))) for name, layer, n in rows}


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_a_fitted_net_shows_its_layers_and_parameters(estimator, small):
    fitted = clone(estimator).set_params(max_epochs=1).fit(*small)
    html = html_of(fitted)
    found = layers_of(html.partition("Layers of the network")[2])
    modules = dict(fitted.module_.named_modules())
    for name, (layer, n_parameters) in found.items():
        assert layer == repr(modules[name]).replace("'", "&#x27;")
        own = modules[name].parameters(recurse=False)
        assert n_parameters == sum(p.numel() for p in own)
    total = sum(p.numel() for p in fitted.module_.parameters())
    assert sum(n for _, n in found.values()) == total
    assert f"{total:,} parameters" in html


def test_the_scale_of_x_stands_first(small):
    X, y = small
    fitted = SoftmaxClassifier(max_epochs=1).fit(100 * X + 5, y)
    assert list(layers_of(html_of(fitted)))[-2:] == ["input_scale", "output"]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_before_fit_scikit_learn_shows_all(estimator):
    # It numbers what it shows.
    numbers = re.compile(r"-id-\d+")
    expected = numbers.sub("", estimator_html_repr(estimator))
    for html in (html_of(estimator), estimator._repr_html_()):
        assert numbers.sub("", html) == expected


def test_both_ways_of_ipython_show_the_same(small):
    fitted = SoftmaxClassifier(max_epochs=1).fit(*small)
    assert layers_of(fitted._repr_html_()) == layers_of(html_of(fitted))
    with config_context(display="text"):
        assert not hasattr(fitted, "_repr_html_")
        assert list(fitted._repr_mimebundle_()) == ["text/plain"]


@pytest.mark.parametrize("name", PUBLIC_ESTIMATORS)
def test_the_link_goes_to_the_page_of_the_estimator(name):
    html = html_of(getattr(sknets, name)())
    assert f'href="{DOCUMENTATION}generated/sknets.{name}.html"' in html
    assert f"    {name}\n" in (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")


def test_the_address_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["urls"]["Documentation"] == DOCUMENTATION


def test_a_subclass_of_a_user_has_no_link(small):
    class Own(SoftmaxClassifier):
        pass

    assert DOCUMENTATION not in html_of(Own())


def test_parameters_are_shown_in_a_pipeline(small):
    model = SoftmaxClassifier(max_epochs=1, learning_rate=0.125)
    pipeline = make_pipeline(StandardScaler(), model).fit(*small)
    html = html_of(pipeline)
    assert "learning_rate" in html
    assert "0.125" in html
    assert f"{DOCUMENTATION}generated/sknets.SoftmaxClassifier.html" in html
