"""The names and shapes of a module's tensors, without memory for them."""

import torch
from torch.overrides import TorchFunctionMode


class WithoutMemory(TorchFunctionMode):
    """Create tensors on the device "meta", which has shapes but no memory.

    Use it together with ``torch.device("meta")``. That context does not change calls
    that name a device, as those of ``skip_init`` do.

    Parameters
    ----------
    most_tensors : int
        Number of tensors after which to raise ValueError.
    """

    def __init__(self, most_tensors):
        super().__init__()
        self.n_left = most_tensors

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is torch.empty_like:
            self.n_left -= 1
            if self.n_left < 0:
                raise ValueError("the network has too many layers")
            kwargs = kwargs | {"device": "meta"}
        return function(*args, **kwargs)


def skeleton(build, most_tensors):
    """Return what `build` returns, a module, with all its tensors on "meta".

    Parameters
    ----------
    build : callable
        Called without arguments.
    most_tensors : int
        Raise ValueError if the module has more layers than this number of tensors
        allows.
    """
    with torch.device("meta"), WithoutMemory(most_tensors):
        return build()


def shapes_and_options(module):
    """Return the shapes of a module's tensors, and the buffers that may be missing.

    Returns
    -------
    shapes : dict of str to tuple of int
        Of parameters and buffers, by name.
    options : set of str
        Names of the buffers that are None.
    """
    tensors = [*module.named_parameters(), *module.named_buffers()]
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors}
    options = {
        f"{prefix}.{name}".lstrip(".")
        for prefix, layer in module.named_modules()
        for name, buffer in layer._buffers.items()
        if buffer is None
    }
    return shapes, options
