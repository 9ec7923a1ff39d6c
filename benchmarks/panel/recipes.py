"""The article's recipes beside the defaults, on the MNIST sample."""

from tqdm import tqdm

from benchmarks.panel.data import mnist_sample
from benchmarks.panel.measure import measure, seeds_note, with_error
from benchmarks.recipes import RECIPES

SYSTEMS = ("softmax", "mlp", "convnet")


def row(system, data, n_seeds):
    """Return a row of the table."""
    recipe = RECIPES[system]
    by_recipe, by_default = [], []
    for seed in range(n_seeds):
        model = recipe.build(len(data[0])).set_params(random_state=seed)
        by_recipe.append(measure(model, *data).accuracy)
        model = recipe.estimator(random_state=seed)
        by_default.append(measure(model, *data).accuracy)
    differences = [a - b for a, b in zip(by_default, by_recipe, strict=True)]
    return {
        "": recipe.estimator.__name__,
        "article's recipe": with_error(by_recipe),
        "default": with_error(by_default),
        "difference": with_error(differences, sign="+"),
    }


def run(n_seeds):
    """Yield the name, rows and notes of the table."""
    data = mnist_sample()
    rows = [row(system, data, n_seeds) for system in tqdm(SYSTEMS, "recipes")]
    yield "recipes", rows, [seeds_note(n_seeds)]
