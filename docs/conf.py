from importlib.metadata import version as get_version

from sphinx_gallery.sorting import ExplicitOrder

project = "sknets"
author = "the sknets developers"
copyright = f"2026, {author}"
version = release = get_version("sknets")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "tables"]
html_theme = "pydata_sphinx_theme"
html_title = "sknets"
html_show_sourcelink = False
html_theme_options = {"show_prev_next": False, "navbar_end": ["theme-switcher"]}

# These pages have nothing below them.
pages = [
    "user_guide",
    "training",
    "defaults",
    "autoencoder",
    "coming_from",
    "performance",
    "model_files",
    "reliability",
]
html_sidebars = {page: [] for page in pages}

autosummary_generate = True
numpydoc_show_class_members = False
default_role = "literal"
# Labels of scikit-learn's documentation, in docstrings that are inherited from it.
suppress_warnings = ["ref.ref"]

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
    # API pages show the examples that use a class.
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("sknets",),
    "within_subsection_order": ExplicitOrder([*examples, "*"]),
    "subsection_order": ExplicitOrder(["../examples"]),
    "plot_gallery": "True",
    "remove_config_comments": True,
    "show_memory": False,
}
