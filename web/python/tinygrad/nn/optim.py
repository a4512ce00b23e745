"""Optimizers. Formulas and state are the engine's; names and defaults are tinygrad's."""

from .._engine import ArgumentError, ask
from ..dtype import dtypes
from ..engine import jit
from ..tensor import Tensor
from .schedules import (  # noqa: F401
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    StepLR,
    settings,
)
from .state import get_parameters, handles


class LearningRate(float):
    """An optimizer's learning rate: a number that can be read and assigned like tinygrad's tensor of it."""

    def __new__(cls, optimizer, value):
        self = super().__new__(cls, value)
        self._optimizer = optimizer
        return self

    def assign(self, value):
        """Sets the optimizer's rate to a number or a tensor with one element."""
        self._optimizer.lr = value
        return self._optimizer.lr

    def item(self):
        return float(self)

    def numpy(self):
        return Tensor([float(self)]).numpy()

    def realize(self):
        return self


def _tensors(kind, params):
    """The tensors among `params`, and those of the models among them, each once."""
    if isinstance(params, Tensor) or not hasattr(params, "__iter__"):
        got = "a tensor" if isinstance(params, Tensor) else type(params).__name__
        fix = f"write {kind}(nn.state.get_parameters(model))"
        raise ArgumentError(kind, got, "a list of tensors or models", fix)
    found = []
    for item in params:
        found += [item] if isinstance(item, Tensor) else get_parameters(item)
    return list({t._id: t for t in found}.values())


class Optimizer:
    """Changes parameters by their gradients.

    `params`: tensors, or models whose tensors are meant. Tensors with `requires_grad=False` and those that hold no
    floats are left as they are. tinygrad's `device` and `fused` make no difference here.
    """

    def __init__(self, params, **given):
        kind = type(self).__name__
        tensors = _tensors(kind, params)
        floats = [t._id for t in tensors if dtypes.is_float(t.dtype)]
        self._id = ask("optimizer", kind, floats, *settings(given))
        self.params = [t for t in tensors if t.requires_grad]
        self.buffers = [t for t in tensors if not t.requires_grad]

    @property
    def lr(self):
        """The learning rate; may be set at any time, to a number or a tensor with one element."""
        return LearningRate(self, ask("learningRate", self._id))

    @lr.setter
    def lr(self, value):
        ask("setLearningRate", self._id, float(value.item() if isinstance(value, Tensor) else value))

    def step(self):
        """Changes every parameter by its gradient. Parameters without one raise an error."""
        ask("optimizerStep", self._id)
        jit.stepped()

    def schedule_step(self):
        """Does the step; gives the tensors it changed and those it left."""
        self.step()
        return self.params + self.buffers

    def zero_grad(self):
        """Forgets the gradients; without it they add up."""
        ask("zeroGrad", self._id)

    def state_dict(self):
        """All it keeps from step to step, for `safe_save`."""
        names, ids = ask("optimizerState", self._id)
        return dict(zip(names, map(Tensor._of, ids)))

    def load_state_dict(self, state):
        """Goes on where the optimizer was that gave `state`."""
        ask("loadOptimizerState", self._id, list(state), handles("load_state_dict", state))

    def __del__(self):
        if hasattr(self, "_id"):
            ask("releaseOptimizer", self._id)


class OptimizerGroup(Optimizer):
    """Several optimizers as one: a step changes the parameters of all; each keeps its rate."""

    def __init__(self, *optimizers):
        self.optimizers = optimizers
        self._id = ask("optimizerGroup", [one._id for one in optimizers])
        self.params = [t for one in optimizers for t in one.params]
        self.buffers = [t for one in optimizers for t in one.buffers]

    def __getitem__(self, i):
        return self.optimizers[i]


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum as in PyTorch; `classic` puts the rate into the momentum."""

    def __init__(
        self,
        params,
        lr=0.001,
        momentum=0.0,
        weight_decay=0.0,
        nesterov=False,
        classic=False,
        device=None,
        fused=False,
    ):
        super().__init__(
            params, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov, classic=classic
        )


class Adam(Optimizer):
    """Adam (arXiv 1412.6980); weight decay is added to the gradient."""

    def __init__(
        self, params, lr=0.001, b1=0.9, b2=0.999, eps=1e-8, device=None, fused=False, *, weight_decay=0.0
    ):
        super().__init__(params, lr=lr, betas=(b1, b2), eps=eps, weight_decay=weight_decay)


class AdamW(Optimizer):
    """AdamW (arXiv 1711.05101): weight decay apart from the gradient."""

    def __init__(
        self, params, lr=0.001, b1=0.9, b2=0.999, eps=1e-8, weight_decay=0.01, device=None, fused=False
    ):
        super().__init__(params, lr=lr, betas=(b1, b2), eps=eps, weight_decay=weight_decay)


class LAMB(Optimizer):
    """LAMB (arXiv 1904.00962): Adam's step scaled by the ratio of norms, unless `adam`."""

    def __init__(
        self,
        params,
        lr=0.001,
        b1=0.9,
        b2=0.999,
        eps=1e-6,
        weight_decay=0.0,
        adam=False,
        device=None,
        fused=False,
    ):
        super().__init__(params, lr=lr, betas=(b1, b2), eps=eps, weight_decay=weight_decay, adam=adam)


class LARS(Optimizer):
    """LARS (arXiv 1708.03888): SGD scaled by the ratio of norms; `tcoef` is the trust coefficient."""

    def __init__(
        self,
        params,
        lr=0.001,
        momentum=0.9,
        weight_decay=1e-4,
        ns_steps=0,
        ns_coefficients=None,
        nesterov=False,
        classic=True,
        pre_wd=True,
        tcoef=0.001,
        device=None,
        fused=False,
    ):
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            weight_decay=weight_decay,
            ns_steps=ns_steps,
            ns_coefficients=ns_coefficients,
            nesterov=nesterov,
            classic=classic,
            pre_wd=pre_wd,
            tcoef=tcoef,
        )


class Muon(Optimizer):
    """Muon (arXiv 2502.16982): momentum made orthogonal, for matrices."""

    def __init__(
        self,
        params,
        lr=0.001,
        momentum=0.95,
        weight_decay=0.1,
        ns_steps=5,
        ns_coefficients=(3.4445, -4.775, 2.0315),
        nesterov=True,
        device=None,
        fused=False,
    ):
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            weight_decay=weight_decay,
            ns_steps=ns_steps,
            ns_coefficients=ns_coefficients,
            nesterov=nesterov,
        )


def clip_grad_norm(params, max_norm, norm_type=2):
    """Scales the gradients so that their norm taken together is at most `max_norm`; gives the norm they had."""
    ids = [t._id for t in _tensors("clip_grad_norm", params)]
    return Tensor._of(ask("clipGradNorm", ids, max_norm, norm_type))


def clip_grad_value(params, clip_value):
    """Limits each element of the gradients to ±`clip_value`."""
    ask("clipGradValue", [t._id for t in _tensors("clip_grad_value", params)], clip_value)
