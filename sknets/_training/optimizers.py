"""torch's optimizers with a faster step: little more than one call of a fused kernel.

The kernels have private names in torch. `find_optimizer` therefore tests them. It
returns torch's own optimizer if a kernel is missing or has other results.
"""

from functools import cache

import torch


class LeanStep:
    """Replace `step` of one of torch's optimizers by one with less bookkeeping.

    In each step, torch sorts parameters, gradients and state again. For a small net,
    this takes longer than the update itself. It is a tenth of a training step of
    softmax regression, and of the MLP (784-300-10, batch 100). The faster step does not
    call the hooks of the optimizer.
    """

    _state_names = ()
    table = None  # the FeatureTable of the first layer, in training on sparse batches

    def step(self, closure=None):
        """Update the parameters. Return the loss that `closure` returns."""
        is_ready = self._is_ready()
        if self.table is not None:
            self._choose_rows(is_ready)
        if not is_ready:
            return super().step(closure)
        loss = None if closure is None else closure()
        with torch.no_grad():
            self._update()
            if self.table is not None and self.table.has_gradient:
                self._update_rows(self._group_of_table(), self.table)
        return loss

    # `hooked` keeps torch from wrapping `step` in its profiler, which takes half of the
    # remaining time.
    step.hooked = True

    def _is_ready(self):
        # The first call of torch's own `step` creates the state of Adam.
        return all(
            group["fused"] and all(p in self.state for p in group["params"])
            for group in self.param_groups
        )

    def _choose_rows(self, is_ready):
        """Let the gradient be in the rows of the table, if they suffice."""
        table = self.table
        table.by_rows = is_ready and self._changes_rows_only(self._group_of_table())
        if not table.by_rows:
            table.settle()

    def _group_of_table(self):
        weight = self.table.weight
        return next(
            group
            for group in self.param_groups
            if any(parameter is weight for parameter in group["params"])
        )

    def _changes_rows_only(self, group):
        """Return whether no weight changes whose gradient is zero, but for a factor."""
        return False

    def _update(self):
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not parameters:
                continue
            tensors = [
                [self.state[parameter][name] for parameter in parameters]
                for name in self._state_names
            ]
            if tensors:
                torch._foreach_add_(tensors[-1], 1)
            gradients = [parameter.grad for parameter in parameters]
            self._call_kernel(group, parameters, gradients, *tensors)


class SGD(LeanStep, torch.optim.SGD):
    """SGD. If a scheduler sets a momentum, torch's own step is used."""

    _kernel_name = "_fused_sgd_"

    def _is_ready(self):
        return all(
            group["fused"] and not group["momentum"] for group in self.param_groups
        )

    def _changes_rows_only(self, group):
        return True

    def _update_rows(self, group, table):
        table.decay(1 - group["lr"] * group["weight_decay"])
        table.add_gradient(-group["lr"])

    def _call_kernel(self, group, parameters, gradients):
        getattr(torch, self._kernel_name)(
            parameters,
            gradients,
            [],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            momentum=0.0,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )


class Adagrad(LeanStep, torch.optim.Adagrad):
    """Adagrad without decay of the learning rate."""

    _kernel_name = "_fused_adagrad_"
    _state_names = ("sum", "step")

    def _changes_rows_only(self, group):
        return not group["weight_decay"]

    def _update_rows(self, group, table):
        state, gradient = self.state[table.weight], table.grad
        sums = state["sum"].t()
        sums.index_add_(0, table.columns, gradient.square())
        deviations = sums.index_select(0, table.columns).sqrt_().add_(group["eps"])
        table.add(gradient.div_(deviations), -group["lr"])
        state["step"] += 1

    def _call_kernel(self, group, parameters, gradients, sums, steps):
        getattr(torch, self._kernel_name)(
            parameters,
            gradients,
            sums,
            steps,
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            lr_decay=0.0,
            eps=group["eps"],
            maximize=False,
        )


class LeanAdamStep(LeanStep):
    """The step of Adam and of AdamW, without AMSGrad."""

    _state_names = ("exp_avg", "exp_avg_sq", "step")

    def _call_kernel(self, group, parameters, gradients, averages, squares, steps):
        beta1, beta2 = group["betas"]
        getattr(torch, self._kernel_name)(
            parameters,
            gradients,
            averages,
            squares,
            [],
            steps,
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )


class Adam(LeanAdamStep, torch.optim.Adam):
    """Adam with weight decay in its gradient."""

    _kernel_name = "_fused_adam_"


class AdamW(LeanAdamStep, torch.optim.AdamW):
    """Adam with decoupled weight decay."""

    _kernel_name = "_fused_adamw_"


# For each name: the lean class, torch's own class, and their options. TensorFlow starts
# Adagrad's accumulator at 0.1, torch at 0. With 0, the first update of each weight is
# as large as the learning rate, for any gradient.
OPTIMIZERS = {
    "sgd": (SGD, torch.optim.SGD, {}),
    "adagrad": (Adagrad, torch.optim.Adagrad, {"initial_accumulator_value": 0.1}),
    "adam": (Adam, torch.optim.Adam, {}),
    "adamw": (AdamW, torch.optim.AdamW, {}),
}


def find_optimizer(name, device):
    """Return the fastest class of an optimizer that works on a device.

    Parameters
    ----------
    name : {"sgd", "adagrad", "adam", "adamw"}
    device : torch.device

    Returns
    -------
    optimizer_class : subclass of torch.optim.Optimizer
    options : dict
        Keyword arguments of the class. They include `fused` only if torch has a fused
        kernel for the device.
    """
    lean, plain, options = OPTIMIZERS[name]
    if not has_fused_kernel(plain, device):
        return plain, options
    fastest = lean if is_equivalent(lean, plain, device) else plain
    return fastest, {**options, "fused": True}


def state_names(optimizer):
    """Return the possible sets of names of a parameter's state.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        That of a name.
    """
    if isinstance(optimizer, torch.optim.SGD):
        return [set(), {"momentum_buffer"}]  # a scheduler may set a momentum
    return [
        set(lean._state_names)
        for lean, plain, _ in OPTIMIZERS.values()
        if isinstance(optimizer, plain)
    ]


def match_layouts(optimizer):
    """Give the tensors of the state the memory layout of their parameters.

    Fused kernels need it. The layout of a parameter may have changed, and a state may
    come from a file.
    """
    for parameter, state in optimizer.state.items():
        for name, tensor in state.items():
            if (
                torch.is_tensor(tensor)
                and tensor.shape == parameter.shape
                and tensor.stride() != parameter.stride()
            ):
                layout = {"dtype": tensor.dtype, "device": tensor.device}
                state[name] = torch.empty_like(parameter, **layout).copy_(tensor)


@cache
def has_fused_kernel(optimizer_class, device):
    """Return whether torch has a fused kernel for an optimizer on a device."""
    try:
        result_of_three_steps(optimizer_class, device)
    except RuntimeError:
        return False
    return True


@cache
def is_equivalent(lean, plain, device):
    """Return whether a lean optimizer has exactly the results of torch's own."""
    expected = result_of_three_steps(plain, device)
    try:
        return torch.equal(result_of_three_steps(lean, device), expected)
    except Exception:  # private names can change in any way
        return False


@torch.inference_mode(False)
@torch.enable_grad()
def result_of_three_steps(optimizer_class, device):
    """Return a parameter after three steps of a fused optimizer."""
    parameter = torch.nn.Parameter(torch.ones(1, dtype=torch.float32, device=device))
    optimizer = optimizer_class([parameter], lr=0.1, weight_decay=0.1, fused=True)
    for step in range(1, 4):
        optimizer.param_groups[0]["lr"] = 0.1 / step
        parameter.grad = torch.full_like(parameter, step, requires_grad=False)
        optimizer.step()
    return parameter.detach()
