"""Draw the picture of the front page, and measure its table: python docs/front_page.py.

The picture is what the code on the page draws, in two colours. The table goes to
docs/tables/front_page.md.
"""

import re
import textwrap
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import make_friedman1
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)
from sknets.datasets import load_mnist_sample

DOCS = Path(__file__).parent
THEMES = {"light": "#222832", "dark": "#ced6dd"}


def draw():
    """Run the code of the page, and save its figure for both themes."""
    page = (DOCS / "index.rst").read_text(encoding="utf-8")
    block = re.search(r"^( *)\.\. code-block:: python\n((?:\1 +.*\n|\n)+)", page, re.M)
    exec(compile(textwrap.dedent(block[2]), "index.rst", "exec"), {})
    figure = plt.gcf()
    figure.set_size_inches(5.2, 1.7)
    for theme, colour in THEMES.items():
        for axes in figure.axes:
            for label in (axes.title, axes.yaxis.label, *axes.get_yticklabels()):
                label.set_color(colour)
        path = DOCS / "_static" / f"front_page_{theme}.png"
        figure.savefig(path, dpi=220, transparent=True)


def accuracy(model, digits):
    """Fit a classifier. Return its accuracy on new digits as text."""
    X, y, X_test, y_test = digits
    return f"accuracy {100 * model.fit(X, y).score(X_test, y_test):.1f} %"


def error(X, reconstruction):
    """Return the mean error of a row as text, as the autoencoder defines it."""
    return f"{((X - reconstruction) ** 2).sum(axis=1).mean() / 2:.2f}"


def measure():
    """Return the rows of the table."""
    digits = (
        *load_mnist_sample(return_X_y=True),
        *load_mnist_sample(subset="test", return_X_y=True),
    )
    X, _, X_test, _ = digits
    X_real, X_real_test, y_real, y_real_test = train_test_split(
        *make_friedman1(2000, noise=1, random_state=0), random_state=0
    )
    regressor = MLPDropoutRegressor(random_state=0).fit(X_real, y_real)
    peer = make_pipeline(StandardScaler(), MLPRegressor(random_state=0))
    peer.fit(X_real, y_real)
    coder = DenoisingAutoencoderTransformer(random_state=0).fit(X)
    pca = PCA(200, random_state=0).fit(X)
    variational = VariationalAutoencoderTransformer(
        20, hidden_layer_sizes=400, loss="cross_entropy", random_state=0
    )
    return [
        (
            "SoftmaxClassifier",
            "softmax regression by mini-batches",
            accuracy(SoftmaxClassifier(random_state=0), digits),
            f"LogisticRegression: {accuracy(LogisticRegression(), digits)}",
        ),
        (
            "MLPDropoutClassifier",
            "multilayer perceptron with dropout",
            accuracy(MLPDropoutClassifier(random_state=0), digits),
            f"MLPClassifier: {accuracy(MLPClassifier(random_state=0), digits)}",
        ),
        (
            "ConvNetClassifier",
            "convolutional network for images",
            accuracy(ConvNetClassifier(random_state=0), digits),
            "none",
        ),
        (
            "MLPDropoutRegressor",
            "the perceptron, for real numbers",
            f"R² {regressor.score(X_real_test, y_real_test):.2f}",
            f"MLPRegressor: R² {peer.score(X_real_test, y_real_test):.2f}",
        ),
        (
            "DenoisingAutoencoderTransformer",
            "features that feed other models",
            f"error {error(X_test, coder.reconstruct(X_test))}",
            f"PCA: error {error(X_test, pca.inverse_transform(pca.transform(X_test)))}",
        ),
        (
            "VariationalAutoencoderTransformer",
            "features, densities and new rows",
            f"bound {variational.fit(X).score(X_test):.1f} nats",
            "none",
        ),
    ]


def write(rows):
    """Write the table in Markdown, with links to the estimators."""
    lines = [
        "| Estimator | What it is | On new rows | scikit-learn on them |",
        "| --- | --- | --- | --- |",
    ]
    for name, *cells in rows:
        lines.append(f"| {{class}}`~sknets.{name}` | {' | '.join(cells)} |")
    path = DOCS / "tables" / "front_page.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    draw()
    with warnings.catch_warnings():
        # scikit-learn's perceptrons stop at their default number of epochs.
        warnings.simplefilter("ignore", ConvergenceWarning)
        write(measure())
