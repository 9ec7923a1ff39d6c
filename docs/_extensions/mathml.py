"""A renderer of formulas for Sphinx: MathML, which browsers draw without a script.

MathJax and KaTeX are scripts that each reader downloads: without network, a page would
show no formula. An invalid formula gives a warning with its line.
"""

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)
converter = LatexToMathML(fancy_error=False)


def as_mathml(node, *, displaystyle):
    """Return the markup of a formula."""
    latex = node.astext()
    try:
        return converter.convert_with_local_state(latex, displaystyle=displaystyle)
    except LatexError as error:
        logger.warning("invalid formula %r: %s", latex, error, location=node)
        return ""


def take_punctuation(app, doctree, name):
    """Move a comma or a dot behind a formula into it. Else a line may start with it."""
    if app.builder.format != "html":
        return
    for node in doctree.findall(nodes.math):
        behind = node.next_node(descend=False, siblings=True)
        if isinstance(behind, nodes.Text) and behind.startswith(tuple(".,;:)?!")):
            node["behind"] = behind[0]
            behind.parent.replace(behind, nodes.Text(behind[1:]))


def visit_inline(translator, node):
    """Write a formula in a line of text."""
    formula = as_mathml(node, displaystyle=False) + node.get("behind", "")
    translator.body.append(f'<span class="formula">{formula}</span>')
    raise nodes.SkipNode


def visit_block(translator, node):
    """Write a formula in a line of its own, with a number if it has a label."""
    translator.body.append(translator.starttag(node, "div", CLASS="formula"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(as_mathml(node, displaystyle=True))
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.connect("doctree-resolved", take_punctuation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
