"""Picking elements by integers."""

import torch.nn.functional as F

from draw import case, f, i

OPS = {
    "gather": lambda x, index, dim: x.gather(dim, index.long()),
    "index": lambda x, index: x[index.long()],
    "one_hot": lambda x, num_classes: F.one_hot(x.long(), num_classes),
}

case("gather", f(4, 5), i(4, 2, low=0, high=5), dim=1)
case("gather", f(4, 5), i(3, 5, low=0, high=4), dim=0)
case("gather", f(2, 3, 4), i(2, 3, 2, low=0, high=4), dim=-1)
case("index", f(6, 3), i(4, low=0, high=6))
case("index", f(6, 2, 2), i(2, 3, low=0, high=6))
case("index", f(5), i(7, low=0, high=5))
case("index", f(5, 2), i(4, low=-5, high=5))
case("index", i(6, 2, dtype="uint8", low=0, high=255), i(3, low=0, high=6))
case("one_hot", i(5, low=0, high=4), num_classes=4)
