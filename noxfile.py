"""The checks of the project, each in a fresh environment: `nox --list`."""

import shutil
import tarfile
import tomllib
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "docs", "package"]

ROOT = Path(__file__).parent
LOCKED = ROOT / "constraints.txt"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FAST = ["-n", "2", "-m", "not slow"]
MOST_LINES = 300
MOST_BYTES = 2_000_000

# The oldest versions have no wheels for later versions of Python.
PYTHONS = {
    "locked": ["3.11", "3.12", "3.13", "3.14"],
    "newest": ["3.11", "3.12", "3.13", "3.14"],
    "sklearn-1.8": ["3.11", "3.12", "3.13", "3.14"],
    "sklearn-1.7": ["3.11", "3.12", "3.13", "3.14"],
    "oldest": ["3.11", "3.12"],
}


def lower_bounds():
    """Return a pin of each dependency at the lower bound that pyproject.toml states."""
    project = PYPROJECT["project"]
    stated, pins = list(project["dependencies"]), []
    for extra in ("dask", "examples", "onnx"):
        stated += project["optional-dependencies"][extra]
    for requirement in map(Requirement, stated):
        bounds = [s.version for s in requirement.specifier if s.operator == ">="]
        if len(bounds) != 1:
            raise ValueError(f"{requirement} in pyproject.toml states no lower bound.")
        pins.append(f"{requirement.name}=={bounds[0]}")
    return pins


def locked_but(package, version):
    """Return the lines of constraints.txt with another version of one package."""
    lines = LOCKED.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.partition("==")[0] != package]
    if len(kept) != len(lines) - 1:
        raise ValueError(f"constraints.txt has no single pin of {package}.")
    return [*kept, f"{package}=={version}"]


def constraints(versions, folder):
    """Return pip's arguments for a set of versions; write the file they need."""
    if versions == "newest":
        return []
    if versions == "locked":
        return ["-c", str(LOCKED)]
    if versions == "oldest":
        lines = lower_bounds()
    else:
        lines = locked_but("scikit-learn", versions.removeprefix("sklearn-") + ".*")
    file = Path(folder) / "constraints.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["-c", str(file)]


@nox.session
@nox.parametrize(
    "python, versions",
    [
        nox.param(python, versions, id=f"{python}-{versions}")
        for versions, pythons in PYTHONS.items()
        for python in pythons
    ],
)
def tests(session, versions):
    """Run the fast tests with one version of Python and one set of dependencies."""
    pins = constraints(versions, session.create_tmp())
    session.install(*pins, "-e", ".[test]")
    session.run("python", "-m", "pip", "list")
    session.run("python", "-m", "pytest", *FAST, *session.posargs)


@nox.session
def slow(session):
    """Run the slow tests."""
    session.install("-c", str(LOCKED), "-e", ".[test]")
    session.run("python", "-m", "pytest", "-n", "2", "-m", "slow", *session.posargs)


@nox.session
def kernels(session):
    """Run the tests of numbers on the kernels of other processors."""
    session.install("-c", str(LOCKED), "-e", ".[test]")
    session.run("python", "tools/kernels.py", *session.posargs)


@nox.session
def lint(session):
    """Check style, spelling, the direction of imports and the length of files."""
    session.install("-c", str(LOCKED), "-e", ".[lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    session.run("lint-imports")
    for path in sorted(Path("sknets").rglob("*.py")):
        n_lines = len(path.read_text(encoding="utf-8").splitlines())
        if n_lines > MOST_LINES:
            session.error(f"{path} has {n_lines} lines; expected at most {MOST_LINES}.")


@nox.session
def docs(session):
    """Build the documentation, run its gallery and check its links.

    Warnings are errors. ``-- -D plot_gallery=0`` leaves the gallery out.
    """
    session.install("-c", str(LOCKED), "-e", ".[docs]")
    options = ["-W", "--keep-going", "-q", "-b", "html", *session.posargs]
    session.run("python", "-m", "sphinx", *options, "docs", "docs/_build/html")
    session.run("python", "tools/check_links.py", "docs/_build/html")


def check_contents(session, sdist):
    """Stop where the sdist is large or has a file that is not in the repository."""
    tracked = session.run("git", "ls-files", external=True, silent=True).splitlines()
    with tarfile.open(sdist) as archive:
        packed = {m.name.partition("/")[2] for m in archive if m.isfile()}
    if strangers := packed - {"PKG-INFO", *tracked}:
        session.error(f"{sdist} has files that git does not: {sorted(strangers)}")
    if (size := sdist.stat().st_size) > MOST_BYTES:
        session.error(f"{sdist} has {size} bytes; expected at most {MOST_BYTES}.")


def distributions():
    """Return the paths of the sdist and of the wheel in dist/."""
    (sdist,) = (ROOT / "dist").glob("*.tar.gz")
    (wheel,) = (ROOT / "dist").glob("*.whl")
    return sdist, wheel


@nox.session
def build(session):
    """Build the sdist, and from it the wheel, into dist/; check both."""
    session.install("-c", str(LOCKED), "build", "twine")
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("python", "-m", "build")
    sdist, wheel = distributions()
    session.run("twine", "check", "--strict", str(sdist), str(wheel))
    check_contents(session, sdist)


@nox.session(requires=["build"])
def package(session):
    """Build, install the wheel, and run the fast tests that the sdist has on it."""
    sdist, wheel = distributions()
    folder = Path(session.create_tmp()).resolve() / "sdist"
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    # What is left can only import the package from the wheel.
    shutil.rmtree(source / "sknets")

    session.install("-c", str(LOCKED), str(wheel))
    session.chdir(source)
    session.run("python", "tools/check_installed.py")
    session.install("-c", str(LOCKED), f"{wheel}[test]")
    paths = PYPROJECT["tool"]["pytest"]["ini_options"]["testpaths"]
    session.run("python", "-m", "pytest", *FAST, "--pyargs", *paths)
