"""What an experiment has found."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """Counts of one experiment.

    Attributes
    ----------
    kinds : Counter
        How often each right outcome came about.
    failures : list of str
        A description of each wrong outcome.
    """

    kinds: Counter = field(default_factory=Counter)
    failures: list = field(default_factory=list)

    @property
    def tried(self):
        """Number of faults made, or of inputs tried."""
        return self.kinds.total() + len(self.failures)

    def add(self, kind):
        """Count a right outcome."""
        self.kinds[kind] += 1

    def fail(self, what):
        """Count a wrong outcome."""
        self.failures.append(str(what)[:500])

    def check(self, condition, kind, what):
        """Count a right outcome if a condition holds, else a wrong one."""
        if condition:
            self.add(kind)
        else:
            self.fail(what)
