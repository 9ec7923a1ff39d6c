"""Make faults and try random inputs. Count what comes of them.

``python -m tools.reliability`` prints the tables, ``--write`` puts them into
`docs/reliability.md`. The counts of the page are those of ``--scale 1``.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

# Threads of several processes would wait for each other, and a change of their number
# changes the last bits.
os.environ["OMP_NUM_THREADS"] = "1"

from tools.reliability.experiments import FAULTS, INPUTS

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def run(experiments, scale, seed):
    """Run experiments. Return the lines of their table, and the wrong outcomes."""
    lines = ["| what | tried | wrong | what came of it |", "|---|---:|---:|---|"]
    failures = []
    for name, (function, n) in experiments.items():
        begin = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            outcome = function(max(round(n * scale), 1), seed, Path(folder))
        seconds = time.perf_counter() - begin
        print(f"{name}: {outcome.tried} tried in {seconds:.0f} s", file=sys.stderr)
        kinds = "; ".join(f"{kind}: {n:,}" for kind, n in outcome.kinds.most_common())
        wrong = len(outcome.failures)
        lines.append(f"| {name} | {outcome.tried:,} | {wrong} | {kinds} |")
        failures += [f"{name}: {failure}" for failure in outcome.failures]
    return lines, failures


def main():
    """Print the tables or write them. Exit with 1 if an outcome is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.reliability")
    parser.add_argument("--scale", type=float, default=1.0, help="factor of all counts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="part of the name of the experiments to run")
    parser.add_argument("--write", action="store_true", help="write the tables to docs")
    options = parser.parse_args()
    wrong = []
    for title, experiments in (("faults", FAULTS), ("inputs", INPUTS)):
        chosen = {n: e for n, e in experiments.items() if (options.only or "") in n}
        lines, failures = run(chosen, options.scale, options.seed)
        wrong += failures
        print("\n".join(lines))
        if options.write:
            page = PAGE.read_text(encoding="utf-8")
            begin, end = f"<!-- {title} -->\n", f"<!-- end of {title} -->"
            before, _, rest = page.partition(begin)
            after = rest.partition(end)[2]
            table = "\n".join([begin, *lines, "", end])
            PAGE.write_text(before + table + after, encoding="utf-8")
    for failure in wrong:
        print(failure, file=sys.stderr)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
