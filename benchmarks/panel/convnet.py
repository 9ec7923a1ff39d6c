"""Learning rates and numbers of updates of the convolutional net, on MNIST."""

from tqdm import tqdm

from benchmarks.panel.data import mnist_sample
from benchmarks.panel.measure import measure
from sknets import ConvNetClassifier

SETTINGS = [
    (1e-3, 500),
    (1e-3, 750),
    (1e-3, 1000),
    (1e-3, 2000),
    (3e-4, 1000),
    (1e-4, 2000),
]
UPDATES_PER_EPOCH = 100  # 5,000 digits in batches of 50


def row(rate, n_updates, data, n_seeds):
    """Return a row of the table."""
    accuracies = []
    for seed in range(n_seeds):
        model = ConvNetClassifier(
            optimizer="adam",
            learning_rate=rate,
            max_epochs=n_updates // UPDATES_PER_EPOCH,
            random_state=seed,
        )
        accuracies.append(measure(model, *data).accuracy)
    return {
        "learning rate": f"{rate:g}",
        "updates": f"{n_updates:,}",
        "accuracy": f"{sum(accuracies) / n_seeds:.2f}",
        "lowest": f"{min(accuracies):.2f}",
        "highest": f"{max(accuracies):.2f}",
    }


def run(n_seeds):
    """Yield the name, rows and notes of the table."""
    data = mnist_sample()
    rows = [row(*setting, data, n_seeds) for setting in tqdm(SETTINGS, "convnet")]
    yield "convnet", rows, [f"Seeds: {n_seeds}."]
