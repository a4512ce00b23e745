"""How far predictions are from targets."""

import torch
import torch.nn.functional as F

from draw import case, f, forward, i, inf, pos, v


def classes(t):
    return t if t.is_floating_point() else t.long()


def cross_entropy(x, t, **args):
    return F.cross_entropy(x, classes(t), **args)


def sparse(x, t, ignore_index=-1, label_smoothing=0.0, reduction="mean"):
    """Classes last. tinygrad's mean counts every row when none is ignored, and only the others when some are."""
    return F.cross_entropy(
        x.movedim(-1, 1) if x.ndim > 1 else x,
        t.long(),
        ignore_index=-100 if ignore_index == -1 else ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def nll_loss(x, t, weight=None, ignore_index=-100, reduction="mean"):
    return F.nll_loss(x, t.long(), None if weight is None else weight.float(), ignore_index=ignore_index, reduction=reduction)


def bce_logits(x, t, pos_weight=None, reduction="mean"):
    return F.binary_cross_entropy_with_logits(x, t, pos_weight=None if pos_weight is None else pos_weight.float(), reduction=reduction)


OPS = {
    "cross_entropy": cross_entropy,
    "sparse_categorical_crossentropy": sparse,
    "nll_loss": nll_loss,
    "mse": F.mse_loss,
    "mse_loss": F.mse_loss,
    "l1_loss": F.l1_loss,
    "huber_loss": F.huber_loss,
    "smooth_l1_loss": F.smooth_l1_loss,
    "binary_crossentropy": F.binary_cross_entropy,
    "binary_crossentropy_logits": bce_logits,
}

case("cross_entropy", f(4, 5), i(4, low=0, high=5))
case("cross_entropy", f(3, 10, low=-50, high=50), i(3, low=0, high=10))
case("cross_entropy", f(2, 3), pos(2, 3, low=0, high=1))
case("cross_entropy", f(5), v(3, dtype="int32"))
case("cross_entropy", f(5), pos(5, low=0, high=1))
case("cross_entropy", f(1, 1), v([0], dtype="int32"))
case("cross_entropy", f(3, 2, low=-1e4, high=1e4), v([0, 1, 1], dtype="int32"))
case("cross_entropy", v([[-inf, 1.0, 2.0], [0.5, -inf, 0.0]]), v([1, 2], dtype="int32"))
case("cross_entropy", f(4, 3, view=[["permute", [1, 0]]]), i(3, low=0, high=4))
case("cross_entropy", f(3, 4), i(3, low=0, high=4, dtype="uint8"))
for reduction in ("mean", "sum", "none"):
    case("cross_entropy", f(3, 4), i(3, low=0, high=4), reduction=reduction, label_smoothing=0.1)
    case("cross_entropy", f(2, 4, 3), i(2, 3, low=0, high=4), reduction=reduction)
    case("cross_entropy", f(2, 4, 3), pos(2, 4, 3, low=0, high=1), reduction=reduction, label_smoothing=0.3)
    case("sparse_categorical_crossentropy", f(3, 4), i(3, low=0, high=4), reduction=reduction)
    case("sparse_categorical_crossentropy", f(2, 3, 4), i(2, 3, low=0, high=4), ignore_index=2, reduction=reduction)
    case("nll_loss", f(3, 4), i(3, low=0, high=4), reduction=reduction)
    case("nll_loss", f(2, 3, 4), i(2, 4, low=0, high=3), reduction=reduction)
    case("nll_loss", f(6, 4), i(6, low=0, high=4), i(4, low=1, high=5), weight="$2", ignore_index=1, reduction=reduction)
    for op in "mse_loss l1_loss huber_loss smooth_l1_loss".split():
        case(op, f(3, 4), f(3, 4), reduction=reduction)
    case("binary_crossentropy", pos(2, 3, low=0.05, high=0.95), pos(2, 3, low=0, high=1), reduction=reduction)
    case("binary_crossentropy_logits", f(2, 3), pos(2, 3, low=0, high=1), reduction=reduction)
case("cross_entropy", f(2, 3, 2, 2), i(2, 2, 2, low=0, high=3))
case("cross_entropy", f(3, 4), i(3, low=0, high=4), label_smoothing=1.0)
case("sparse_categorical_crossentropy", f(5), v(2, dtype="int32"))
case("sparse_categorical_crossentropy", f(4, 3), v([0, 2, 2, 1], dtype="int32"), ignore_index=0, label_smoothing=0.2)
case("nll_loss", f(4), v(2, dtype="int32"))
case("nll_loss", f(4, 3), v([0, -100, 2, -100], dtype="int32"), ignore_index=-100)
case("nll_loss", v([[-inf, -1.0], [-2.0, -0.5]]), v([0, 1], dtype="int32"), ignore_index=0)
case("nll_loss", f(5, 3), i(5, low=0, high=3), i(3, low=1, high=5), weight="$2")
case("nll_loss", f(2, 3), v([1, 1], dtype="int32"), ignore_index=1)
case("mse", f(3, 2), f(3, 2))
case("mse", f(0), f(0))
case("mse", f(), f())
case("huber_loss", f(3, 4), f(3, 4), delta=0.5)
case("huber_loss", v([1.0, -1.0, 1e30, 0.0]), v([0.0, 0.0, 0.0, 0.0]))
case("smooth_l1_loss", f(3, 4), f(3, 4), beta=0.5)
case("smooth_l1_loss", f(3, 4), f(3, 4), beta=0)
case("l1_loss", v([1.0, 2.0]), v([1.0, 3.0]))
case("binary_crossentropy", pos(5, low=0.05, high=0.95), pos(5, low=0, high=1))
forward("binary_crossentropy", v([0.0, 1.0, 0.0, 1.0]), v([0.0, 1.0, 1.0, 0.0]), reduction="none")
case("binary_crossentropy_logits", f(2, 3), pos(2, 3, low=0, high=1), i(3, low=1, high=5), pos_weight="$2")
case("binary_crossentropy_logits", v([-200.0, 200.0, 0.0, -1e30]), v([0.0, 1.0, 0.5, 1.0]), reduction="none")
