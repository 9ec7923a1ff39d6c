"""Time two functions in turn, and summarise the ratios of their times."""

import statistics
import time
from dataclasses import dataclass, field


@dataclass
class Pairs:
    """Seconds of alternating runs, so that the load of the machine affects both."""

    ours: list = field(default_factory=list)
    theirs: list = field(default_factory=list)

    @property
    def ratios(self):
        """Our seconds divided by theirs, for each pair."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return [ours / theirs for ours, theirs in pairs]

    def summary(self):
        """Return the cells of a table: median and range of the ratio, median times."""
        ratios = self.ratios
        return {
            "here / peer": f"{statistics.median(ratios):.2f}",
            "lowest to highest": f"{min(ratios):.2f} to {max(ratios):.2f}",
            "time here": duration(statistics.median(self.ours)),
            "time of peer": duration(statistics.median(self.theirs)),
        }


def duration(seconds):
    """Format a duration with three significant digits and its unit."""
    units = [(1, "s"), (1e3, "ms"), (1e6, "µs")]
    factor, unit = next((u for u in units if seconds * u[0] >= 1), units[-1])
    return f"{seconds * factor:.3g} {unit}"


def timed(function, n_calls=1):
    """Call a function. Return its result, and the mean seconds of a call."""
    start = time.perf_counter()
    for _ in range(n_calls):
        result = function()
    return result, (time.perf_counter() - start) / n_calls


def alternate(ours, theirs, n_pairs, *, n_calls=1, pause=0, progress=None):
    """Time two functions in turn: A B A B ...

    Parameters
    ----------
    ours, theirs : callable
    n_pairs : int
    n_calls : int
        Number of calls in one run.
    pause : float
        Seconds to wait before each run.
    progress : tqdm, optional
        Progress bar to advance by one with each pair.

    Returns
    -------
    pairs : Pairs
    results : tuple
        Results of the last call of each function.
    """
    pairs = Pairs()
    for _ in range(n_pairs):
        time.sleep(pause)
        our_result, seconds = timed(ours, n_calls)
        pairs.ours.append(seconds)
        time.sleep(pause)
        their_result, seconds = timed(theirs, n_calls)
        pairs.theirs.append(seconds)
        if progress is not None:
            progress.update()
    return pairs, (our_result, their_result)
