"""torch's optimizers, with a step that is little more than one call of a kernel."""

import torch


class LeanStep:
    """Replaces `step` of one of torch's optimizers by one with less bookkeeping.

    torch's own sorts parameters, gradients and state anew each time, which takes longer
    than the update of a small net: a tenth of a training step of softmax regression or
    of the article's perceptron. Hooks of the optimizer are not called.
    """

    _state_names = ()

    def step(self, closure=None):
        """Update the parameters by their gradients; return what `closure` returns."""
        # There are devices without fused kernels.
        if not self.defaults["fused"] or not self._is_ready():
            return super().step(closure)
        loss = None if closure is None else closure()
        with torch.no_grad():
            self._update()
        return loss

    # Without this mark, torch wraps `step` into its profiler, the half of what is left.
    step.hooked = True

    def _is_ready(self):
        # Adam's state begins in torch's `step`.
        return all(
            parameter in self.state
            for group in self.param_groups
            for parameter in group["params"]
        )

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
    """Gradient descent without momentum, unless a scheduler sets one."""

    def _is_ready(self):
        return all(not group["momentum"] for group in self.param_groups)

    def _call_kernel(self, group, parameters, gradients):
        torch._fused_sgd_(
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

    _state_names = ("sum", "step")

    def _call_kernel(self, group, parameters, gradients, sums, steps):
        torch._fused_adagrad_(
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


class Adam(LeanStep, torch.optim.Adam):
    """Adam without AMSGrad."""

    _state_names = ("exp_avg", "exp_avg_sq", "step")
    _kernel = staticmethod(torch._fused_adam_)

    def _call_kernel(self, group, parameters, gradients, averages, squares, steps):
        beta1, beta2 = group["betas"]
        self._kernel(
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


class AdamW(Adam, torch.optim.AdamW):
    """Adam with decoupled weight decay."""

    _kernel = staticmethod(torch._fused_adamw_)


# TensorFlow starts Adagrad's accumulator at 0.1, torch at 0, where the first steps are
# as long as the learning rate whatever the gradient.
OPTIMIZERS = {
    "sgd": (SGD, {}),
    "adagrad": (Adagrad, {"initial_accumulator_value": 0.1}),
    "adam": (Adam, {}),
    "adamw": (AdamW, {}),
}
