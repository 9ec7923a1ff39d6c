"""Compare the variational autoencoder with a hand-written torch loop, on MNIST.

From the root of the repository::

    python -m benchmarks.variational --write

The loop is the well-known example of PyTorch: 784-400-20-400-784, 10 epochs, batches of
128, Adam with a rate of 1e-3. Print its mean evidence lower bound of the test digits,
that of this package in the same budget, and that of the defaults, each over some seeds.
Then print the ratio of the times of a training step, from alternating runs. ``--write``
saves both for the documentation. With ``--data sample``, for a quick trial, the digits
are the sample that ships with the package.
"""

import argparse

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.pairs import alternate
from benchmarks.tables import report
from sknets import VariationalAutoencoderTransformer
from sknets.datasets import fetch_mnist, load_mnist_sample

N_EPOCHS, BATCH_SIZE, LEARNING_RATE = 10, 128, 1e-3
N_TEST_DRAWS = 10
N_TIMED_ROWS, N_TIMED_EPOCHS = 12_800, 10

SAME_BUDGET = {
    "learning_rate": LEARNING_RATE,
    "lr_schedule": "constant",
    "batch_size": BATCH_SIZE,
}


class Loop(nn.Module):
    """The network of PyTorch's example."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(784, 400)
        self.mean = nn.Linear(400, 20)
        self.log_variance = nn.Linear(400, 20)
        self.decoder_hidden = nn.Linear(20, 400)
        self.output = nn.Linear(400, 784)

    def forward(self, X):
        """Return the probabilities of the pixels, and the posterior."""
        hidden = functional.relu(self.hidden(X))
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        deviation = torch.exp(0.5 * log_variance)
        codes = mean + torch.randn_like(deviation) * deviation
        hidden = functional.relu(self.decoder_hidden(codes))
        return torch.sigmoid(self.output(hidden)), mean, log_variance


def negative_bound(outputs, X):
    """Return the loss of PyTorch's example, summed over the rows."""
    probabilities, mean, log_variance = outputs
    error = functional.binary_cross_entropy(probabilities, X, reduction="sum")
    terms = 1 + log_variance - mean.pow(2) - log_variance.exp()
    return error - 0.5 * terms.sum()


def fit_loop(X, seed, n_epochs):
    """Train the example's network. Return a function that computes the mean bound."""
    torch.manual_seed(seed)
    network = Loop()
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    X = torch.from_numpy(X)
    for _ in range(n_epochs):
        for rows in torch.randperm(len(X)).split(BATCH_SIZE):
            batch = X[rows]
            optimizer.zero_grad()
            loss = negative_bound(network(batch), batch)
            loss.backward()
            optimizer.step()

    @torch.no_grad()
    def score(X):
        X = torch.from_numpy(X)
        losses = [negative_bound(network(X), X).item() for _ in range(N_TEST_DRAWS)]
        return -np.mean(losses) / len(X)

    return score


def fit_ours(X, seed, **parameters):
    """Train the estimator. Return its method `score`."""
    coder = VariationalAutoencoderTransformer(
        loss="cross_entropy", random_state=seed, **parameters
    )
    return coder.fit(X).score


def bounds(X, X_test, seeds):
    """Return rows of a table of mean bounds of the test digits."""
    systems = {
        "hand-written torch loop": lambda seed: fit_loop(X, seed, N_EPOCHS),
        "here, same budget": lambda seed: fit_ours(
            X, seed, max_epochs=N_EPOCHS, **SAME_BUDGET
        ),
        "here, defaults": lambda seed: fit_ours(X, seed),
    }
    rows = []
    for name, fit in systems.items():
        scores = [fit(seed)(X_test) for seed in range(seeds)]
        rows.append(
            {
                "system": name,
                "seeds": str(seeds),
                "mean bound (nats)": f"{np.mean(scores):.2f}",
                "lowest to highest": f"{min(scores):.2f} to {max(scores):.2f}",
            }
        )
        print(" | ".join(rows[-1].values()), flush=True)
    return rows


def times(X, n_pairs):
    """Return the summary of the times of training some epochs, as one table row."""
    X = X[:N_TIMED_ROWS]
    pairs, _ = alternate(
        lambda: fit_ours(X, 0, max_epochs=N_TIMED_EPOCHS, **SAME_BUDGET),
        lambda: fit_loop(X, 0, N_TIMED_EPOCHS),
        n_pairs,
    )
    threads = f"{n_pairs} pairs, {torch.get_num_threads()} threads at most"
    return {"training": threads} | pairs.summary()


def main():
    """Measure what the options select."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", choices=["sample", "mnist"], default="mnist")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--only", choices=["bounds", "times"])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()

    load = {"sample": load_mnist_sample, "mnist": fetch_mnist}[options.data]
    X, X_test = (
        load(subset=subset, return_X_y=True)[0].astype(np.float32)
        for subset in ("train", "test")
    )
    if options.only != "times":
        rows = bounds(X, X_test, options.seeds)
        note = f"Trained on {len(X):,} digits; bounds of {len(X_test):,} test digits."
        report("variational_bounds", rows, [note], write=options.write)
    if options.only != "bounds":
        n_updates = N_TIMED_EPOCHS * -(-min(len(X), N_TIMED_ROWS) // BATCH_SIZE)
        note = f"Each run is a whole fit of {n_updates} updates."
        row = times(X, options.pairs)
        report("variational_times", [row], [note], write=options.write)


if __name__ == "__main__":
    main()
