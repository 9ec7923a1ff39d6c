"""What notebooks show of an estimator: parameters, a link, and the layers."""

from html import escape

from torch import nn

from sknets._networks.layers import InputScale

# Also the address of the project in pyproject.toml.
DOCUMENTATION = "https://sknets.readthedocs.io/en/stable/"

TABLE = """
<details open style="margin-top: 0.5em">
<summary>Layers of the network: {total:,} parameters</summary>
<table>
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</details>
"""


class NotebookDisplay:
    """Mixin of the estimators: what notebooks show.

    scikit-learn shows the parameters and the link. Its markup differs from version to
    version, so the layers are a table of their own below it.
    """

    _doc_link_module = "sknets"
    _doc_link_template = (
        DOCUMENTATION + "generated/{estimator_module}.{estimator_name}.html"
    )

    @property
    def _repr_html_(self):
        # Without HTML, scikit-learn raises AttributeError here.
        show_estimator = super()._repr_html_
        return lambda: show_estimator() + self._show_layers()

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        if "text/html" in bundle:
            bundle["text/html"] += self._show_layers()
        return bundle

    def _show_layers(self):
        """Return an HTML table of the layers. It is empty before `fit`."""
        net = vars(self).get("net_")
        return "" if net is None else layer_table(net.module_)


def count_layers(module):
    """Return the name, the layer and the number of parameters of each layer.

    A weight that two layers share counts once.
    """
    layers = [
        (name, layer, sum(p.numel() for p in layer.parameters(recurse=False)))
        for name, layer in module.named_modules()
    ]
    shown = [
        (name, layer, n_parameters)
        for name, layer, n_parameters in layers
        if n_parameters or is_layer(layer)
    ]
    # The scale is registered last, and used first.
    return sorted(shown, key=lambda row: not isinstance(row[1], InputScale))


def is_layer(module):
    """Return whether a module without parameters does something of its own."""
    if any(module.children()) or isinstance(module, (nn.Identity, nn.Sequential)):
        return False
    return not (isinstance(module, InputScale) and module.does_nothing)


def layer_table(module):
    """Return an HTML table of the layers of a module, with numbers of parameters."""
    layers = count_layers(module)
    left, right = ' style="text-align: left"', ' style="text-align: right"'
    heads = [
        f"<th{left}>Name</th>",
        f"<th{left}>Layer</th>",
        f"<th{right}>Parameters</th>",
    ]
    rows = [
        f"<tr><td{left}>{escape(name)}</td><td{left}>{escape(repr(layer))}</td>"
        f"<td{right}>{n_parameters:,}</td></tr>"
        for name, layer, n_parameters in layers
    ]
    total = sum(n_parameters for _, _, n_parameters in layers)
    return TABLE.format(total=total, heads="".join(heads), rows="\n".join(rows))
