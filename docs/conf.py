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
    "feature_names",
    "coming_from",
    "performance",
    "parallel",
    "model_files",
    "reliability",
    "versions",
]
html_sidebars = {page: [] for page in pages}

autosummary_generate = True
numpydoc_show_class_members = False
default_role = "literal"
# Labels of scikit-learn's documentation, in docstrings that are inherited from it.
suppress_warnings = ["ref.ref"]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "ignore_pattern": r"reproduce_article",
    "within_subsection_order": "FileNameSortKey",
    "subsection_order": ExplicitOrder(["../examples"]),
    "plot_gallery": "True",
    "remove_config_comments": True,
    "show_memory": False,
}
