"""Run the tests that may depend on the machine with the kernels of other machines.

BLAS, ATen and oneDNN choose their kernels by the processor. Environment variables can
change that choice. Each environment below runs pytest in new processes, with one thread
and with two. From the root of the repository::

    python tools/kernels.py

The tests are those with the mark `kernels`. In the environments of `ALL_CHECKS`, all of
scikit-learn's checks run too. The variables only affect processors of type x86-64. On
others, the runs differ only in their number of threads.
"""

import argparse
import os
import subprocess
import sys
import time

ENVIRONMENTS = {
    "own": {},
    "MKL SSE4.2": {"MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    "MKL AVX2": {"MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "ATen scalar": {"ATEN_CPU_CAPABILITY": "default"},
    "oneDNN SSE4.1": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "oneDNN AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "all AVX2": {
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
    },
    "all old": {
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
    },
}
N_THREADS = (1, 2)
ALL_CHECKS = ("all AVX2", "all old")


def run(name, n_threads):
    """Run the tests in one environment. Return whether they passed."""
    environment = os.environ | ENVIRONMENTS[name]
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[variable] = str(n_threads)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    command += ["-n", str(max(N_THREADS) // n_threads)]
    if name in ALL_CHECKS and n_threads == 1:
        command += ["-m", "kernels or not slow", "-k", "kernels or sklearn_checks"]
    else:
        command += ["-m", "kernels"]
    print(f"\n=== {name}, {n_threads} thread(s)", flush=True)
    start = time.monotonic()
    passed = subprocess.run(command, env=environment, check=False).returncode == 0
    print(f"{time.monotonic() - start:.0f} s", flush=True)
    return passed


def main():
    """Run the tests in the given environments. Fail if any test fails."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", default=list(ENVIRONMENTS))
    runs = [(n, k) for n in parser.parse_args().names for k in N_THREADS]
    failed = [f"{name}, {k} thread(s)" for name, k in runs if not run(name, k)]
    print(f"\n{len(runs) - len(failed)} of {len(runs)} environments passed.")
    if failed:
        sys.exit("Failed: " + "; ".join(failed))


if __name__ == "__main__":
    main()
