"""How far predictions are from targets."""

import torch.nn.functional as F

from draw import case, f, i, pos

OPS = {
    "cross_entropy": lambda x, t: F.cross_entropy(x, t if t.is_floating_point() else t.long()),
    "mse": F.mse_loss,
    "binary_crossentropy": F.binary_cross_entropy,
}

case("cross_entropy", f(4, 5), i(4, low=0, high=5))
case("cross_entropy", f(3, 10, low=-50, high=50), i(3, low=0, high=10))
case("cross_entropy", f(2, 3), pos(2, 3, low=0, high=1))
case("mse", f(3, 2), f(3, 2))
case("binary_crossentropy", pos(5, low=0.05, high=0.95), pos(5, low=0, high=1))
