import os
import sys
from importlib.metadata import version as get_version
from pathlib import Path

from sphinx_gallery.sorting import ExplicitOrder

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "sknets"
author = "the sknets developers"
copyright = f"2026, {author}"
version = release = get_version("sknets")

extensions = [
    "mathml",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "tables"]
default_role = "literal"
toc_object_entries_show_parents = "hide"
math_number_all = False

html_theme = "pydata_sphinx_theme"
html_title = "sknets"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["sknets.css"]
html_show_sourcelink = False
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "show_prev_next": False,
}
# These pages have nothing below them.
html_sidebars = {page: [] for page in ("index", "get_started", "coming_from")}

autosummary_generate = True
numpydoc_show_class_members = False
# Labels of scikit-learn's documentation, in docstrings that are inherited from it.
suppress_warnings = ["ref.ref"]

# A reference to a name of this package that does not exist is a warning.
nitpicky = True
# numpydoc refers to attributes that are properties. Their class documents them.
nitpick_ignore_regex = [("py:obj", "[a-z_]+_")]

# Links to other projects need their lists of names, which Sphinx downloads. Without
# `SKNETS_INTERSPHINX=1`, nothing is downloaded and these names are plain text.
projects = {
    "matplotlib": "https://matplotlib.org/stable/",
    "numpy": "https://numpy.org/doc/stable/",
    "pandas": "https://pandas.pydata.org/docs/",
    "python": "https://docs.python.org/3/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
    "skorch": "https://skorch.readthedocs.io/en/stable/",
    "sklearn": "https://scikit-learn.org/stable/",
    "torch": "https://docs.pytorch.org/docs/stable/",
}
if os.environ.get("SKNETS_INTERSPHINX"):
    intersphinx_mapping = {name: (url, None) for name, url in projects.items()}
else:
    nitpick_ignore_regex += [("py:.*", rf"{name}\..*") for name in projects]

# From the first thing to see to the last: networks, autoencoders, the work around them.
examples = [
    "plot_four_networks.py",
    "plot_xor.py",
    "plot_dropout.py",
    "plot_shifted_digits.py",
    "plot_regression.py",
    "plot_class_imbalance.py",
    "plot_text.py",
    "plot_autoencoder_features.py",
    "plot_noise_levels.py",
    "plot_pretraining.py",
    "plot_anomalies.py",
    "plot_variational_autoencoder.py",
    "plot_pipelines.py",
    "plot_grid_search.py",
    "plot_callbacks.py",
    "plot_larger_than_memory.py",
    "plot_production.py",
]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "ignore_pattern": r"reproduce_article",
    "within_subsection_order": ExplicitOrder([*examples, "*"]),
    "subsection_order": ExplicitOrder(["../examples"]),
    "plot_gallery": "True",
    "remove_config_comments": True,
    # Pages of the API show the examples that use their name.
    "backreferences_dir": "generated/examples",
    "doc_module": ("sknets",),
    "reference_url": {"sknets": None},
    "show_memory": False,
}
