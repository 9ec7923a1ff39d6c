"""Modules and optimizers as plain values: dicts, lists, numbers and arrays on the CPU.

Such values outlive the classes they come from. They can be written to files that hold
no code.
"""

from functools import partial

import numpy as np
import torch

# Options of a parameter group that depend on the device, not on the training.
DEVICE_OPTIONS = ("capturable", "differentiable", "foreach", "fused", "params")


def module_to_arrays(module):
    """Return the parameters and buffers of a module, by name.

    On the CPU, the arrays share the memory of the module.

    Parameters
    ----------
    module : nn.Module

    Returns
    -------
    arrays : dict of str to ndarray
    """
    tensors = [*module.named_parameters(), *module.named_buffers()]
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors}


@torch.no_grad()
def arrays_to_module(arrays, module):
    """Copy arrays to the parameters and buffers of a module with the same layers.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Result of `module_to_arrays`. The arrays may be read-only.
    module : nn.Module
        It may have buffers that are None, or of other shapes. They are replaced.
    """
    device = next(module.parameters()).device
    for name, array in arrays.items():
        prefix, _, key = name.rpartition(".")
        layer = module.get_submodule(prefix)
        tensor = getattr(layer, key)
        if tensor is None or tensor.shape != array.shape:
            setattr(layer, key, as_tensor(array, device))
        else:
            tensor.copy_(as_tensor(array))


def as_tensor(array, device="cpu"):
    """Return a tensor with a copy of an array. MPS has no float64, but float32."""
    array = np.array(array, dtype=array.dtype.newbyteorder("="))
    if torch.device(device).type == "mps" and array.dtype == np.float64:
        array = array.astype(np.float32)
    return torch.from_numpy(array).to(device)


def optimizer_to_plain(optimizer, *, with_state):
    """Return the state and the options of an optimizer.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
    with_state : bool
        Whether to return the state. The options are small: schedulers need them.

    Returns
    -------
    plain : dict
        `state`: for each parameter with a state, by its number, a dict in which arrays
        replace tensors; or None. `groups`: a list of the options of each group.
    """
    plain = optimizer.state_dict()
    return {
        "state": to_array(plain["state"]) if with_state else None,
        "groups": [
            {
                name: to_array(value)
                for name, value in group.items()
                if name not in DEVICE_OPTIONS
            }
            for group in plain["param_groups"]
        ],
    }


def plain_to_optimizer(plain, optimizer):
    """Restore what `optimizer_to_plain` returned, in a new optimizer.

    Parameters
    ----------
    plain : dict
    optimizer : torch.optim.Optimizer
        Of the same kind, for the same parameters, on any device.
    """
    own = optimizer.state_dict()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    optimizer.load_state_dict(
        {
            "state": own["state"]
            if plain["state"] is None
            else {
                number: from_array(state, parameters[number])
                for number, state in plain["state"].items()
            },
            "param_groups": [
                options | from_array(group)
                for options, group in zip(
                    own["param_groups"], plain["groups"], strict=True
                )
            ],
        }
    )


def to_array(value):
    """Convert a tensor, or those in lists and dicts, to arrays. Keep other values."""
    if torch.is_tensor(value):
        return value.detach().cpu().numpy()
    return map_inside(to_array, value)


def from_array(value, parameter=None):
    """Convert an array, or those in lists and dicts, to tensors.

    A tensor of the shape of `parameter` gets its memory layout, which fused kernels
    need.
    """
    if not isinstance(value, np.ndarray):
        return map_inside(partial(from_array, parameter=parameter), value)
    tensor = as_tensor(value)
    if parameter is None or tensor.shape != parameter.shape:
        return tensor
    layout = torch.empty_like(parameter, dtype=tensor.dtype, device="cpu")
    return layout.detach().copy_(tensor)


def map_inside(function, value):
    """Return a list, tuple or dict with a function applied to its items."""
    if type(value) in (list, tuple):
        return type(value)(map(function, value))
    if type(value) is dict:
        return {key: function(item) for key, item in value.items()}
    return value
