"""What networks are made of."""

import torch.nn.functional as F

from draw import case, f, i


def batchnorm(x, weight, bias, mean, invstd):
    shape = [1, -1] + [1] * (x.ndim - 2)
    normal = (x - mean.reshape(shape)) * invstd.reshape(shape)
    return normal * weight.reshape(shape) + bias.reshape(shape)


OPS = {
    "matmul": lambda x, y: x @ y,
    "linear": F.linear,
    "conv2d": F.conv2d,
    "max_pool2d": F.max_pool2d,
    "avg_pool2d": F.avg_pool2d,
    "dropout": lambda x, p=0.5: x,
    "layernorm": lambda x, axis=-1, eps=1e-5: F.layer_norm(x, x.shape[axis:], eps=eps),
    "layer_norm": lambda x, axes=1, eps=1e-5: F.layer_norm(x, x.shape[-axes:], eps=eps),
    "batchnorm": batchnorm,
}

case("matmul", f(3, 4), f(4, 5))
case("matmul", f(4), f(4))
case("matmul", f(3, 4), f(4))
case("matmul", f(4), f(4, 3))
case("matmul", f(2, 3, 4), f(2, 4, 2))
case("matmul", f(2, 1, 3, 4), f(3, 4, 2))
case("matmul", f(3, 1), f(1, 4))
case("matmul", f(1, 7), f(7, 1))
case("matmul", f(17, 9), f(9, 18))
case("matmul", f(4, 3, view=[["permute", [1, 0]]]), f(5, 4, view=[["permute", [1, 0]]]))
case("matmul", f(3, 65), f(65, 3))
case("matmul", f(2, 0), f(0, 3))
case("matmul", i(2, 3), i(3, 2))
case("linear", f(3, 4), f(2, 4), f(2))
case("linear", f(2, 3, 4), f(5, 4))

case("conv2d", f(1, 1, 5, 5), f(1, 1, 3, 3))
case("conv2d", f(2, 3, 6, 5), f(4, 3, 3, 2), f(4))
case("conv2d", f(1, 2, 5, 6), f(3, 2, 3, 3), padding=1)
case("conv2d", f(1, 2, 6, 6), f(3, 2, 3, 3), stride=2)
case("conv2d", f(1, 2, 7, 6), f(2, 2, 3, 3), f(2), stride=2, padding=1)
case("conv2d", f(1, 1, 7, 7), f(2, 1, 3, 3), dilation=2)
case("conv2d", f(1, 2, 7, 8), f(2, 2, 2, 3), stride=[2, 3], padding=[1, 2], dilation=[2, 1])
case("conv2d", f(2, 4, 5, 5), f(6, 2, 3, 3), groups=2)
case("conv2d", f(1, 3, 5, 5), f(3, 1, 3, 3), f(3), groups=3, padding=1)
case("conv2d", f(1, 4, 6, 6), f(4, 2, 2, 2), groups=2, stride=2, dilation=2, padding=1)
case("conv2d", f(2, 3, 4, 4), f(5, 3, 1, 1))
case("conv2d", f(1, 2, 4, 4), f(3, 2, 4, 4))
case("conv2d", f(1, 1, 6, 6), f(2, 1, 2, 2), stride=2)
case("conv2d", f(1, 1, 5, 5), f(1, 1, 2, 2), stride=3)
for op in ("max_pool2d", "avg_pool2d"):
    case(op, f(2, 2, 4, 6), kernel_size=2)
    case(op, f(1, 2, 5, 5), kernel_size=2)
    case(op, f(1, 2, 6, 5), kernel_size=[3, 2], stride=1)
    case(op, f(1, 1, 7, 7), kernel_size=3, stride=2)
    case(op, f(1, 1, 5, 7), kernel_size=2, stride=3)
    case(op, f(1, 1, 6, 6), kernel_size=3, stride=2, padding=1)

case("dropout", f(2, 3), p=0.5)
case("layernorm", f(3, 6))
case("layer_norm", f(3, 6))
case("layer_norm", f(2, 3, 4), axes=2)
case("batchnorm", f(3, 2, 3, 3), f(2), f(2), f(2), f(2, low=0.5))
case("batchnorm", f(6, 3), f(3), f(3), f(3), f(3, low=0.5))
