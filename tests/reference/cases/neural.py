"""What networks are made of."""

import torch
import torch.nn.functional as F

from draw import b, case, f, i, inf, nan, pos, v

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVG_POOL = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def padded(x, padding, axes, value=0.0):
    """One number for each side, the last axis first, or PyTorch's own padding."""
    if isinstance(padding, list) and len(padding) == 2 * axes:
        return F.pad(x, padding, value=value), 0
    return x, padding


def conv2d(x, w, bias=None, padding=0, dtype=None, **args):
    x, padding = padded(x, padding, w.ndim - 2)
    if dtype:
        x, w = x.to(getattr(torch, dtype)), w.to(getattr(torch, dtype))
    return CONV[w.ndim - 2](x, w, bias, padding=padding, **args)


def conv_transpose2d(x, w, bias=None, padding=0, **args):
    axes = w.ndim - 2
    if isinstance(padding, list) and len(padding) == 2 * axes:
        return F.pad(TRANSPOSED[axes](x, w, bias, **args), [-p for p in padding])
    return TRANSPOSED[axes](x, w, bias, padding=padding, **args)


def kernel_axes(kernel_size):
    return len(kernel_size) if isinstance(kernel_size, list) else 2


def max_pool2d(x, kernel_size=2, padding=0, return_indices=False, **args):
    axes = kernel_axes(kernel_size)
    x, padding = padded(x, padding, axes, -inf)
    if not return_indices:
        return MAX_POOL[axes](x, kernel_size, padding=padding, **args)
    values, at = MAX_POOL[axes](x, kernel_size, padding=padding, return_indices=True, **args)
    return values, at.int()


def avg_pool2d(x, kernel_size=2, padding=0, dilation=1, stride=None, **args):
    axes = kernel_axes(kernel_size)
    x, padding = padded(x.float(), padding, axes)
    if dilation == 1:
        return AVG_POOL[axes](x, kernel_size, stride, padding, **args)
    ones = torch.ones(x.shape[1], 1, kernel_size, kernel_size) / kernel_size**2
    return F.conv2d(x, ones, None, stride or kernel_size, padding, dilation, x.shape[1])


def max_unpool2d(x, at, kernel_size=2, stride=None, padding=0, output_size=None):
    return F.max_unpool2d(x, at.long(), kernel_size, stride, padding, output_size)


def interpolate(x, size, mode="linear", align_corners=False):
    axes = len(size)
    images = x.reshape([1, -1, *x.shape[-axes:]]).float()
    if mode == "linear":
        mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[axes]
    corners = {} if "nearest" in mode else {"align_corners": align_corners}
    return F.interpolate(images, size, mode=mode, **corners).reshape([*x.shape[:-axes], *size]).to(x.dtype)


def matmul(x, y, reverse=False, dtype=None):
    if dtype:
        x, y = x.to(getattr(torch, dtype)), y.to(getattr(torch, dtype))
    return y @ x if reverse else x @ y


def einsum(*operands, formula, dtype=None):
    return torch.einsum(formula, *operands)


def linear(x, w, bias=0, dtype=None):
    if dtype:
        x, w, bias = (y.to(getattr(torch, dtype)) for y in (x, w, bias))
    return (x * w if w.ndim == 1 else x @ w) + bias


def attention(q, key, value, attn_mask=None, dropout_p=0.0, **args):
    return F.scaled_dot_product_attention(q, key, value, attn_mask, **args)


def batchnorm(x, weight, bias, mean, invstd, axis=1):
    axes = axis if isinstance(axis, list) else [axis]
    shape = [n if a in axes else 1 for a, n in enumerate(x.shape)]
    inverse = invstd.reshape(shape) if invstd.ndim == len(axes) else invstd
    normal = (x - mean.reshape(shape)) * inverse
    return normal * weight.reshape(shape) + bias.reshape(shape)


def layernorm(x, axis=-1, eps=1e-5):
    var, mean = torch.var_mean(x, axis, correction=0, keepdim=True)
    return (x - mean) / (var + eps).sqrt()


def rms_norm(x, axis=-1, eps=1e-6):
    return x / (x.square().mean(axis, keepdim=True) + eps).sqrt()


OPS = {
    "matmul": matmul,
    "dot": matmul,
    "einsum": einsum,
    "linear": linear,
    "conv2d": conv2d,
    "conv_transpose2d": conv_transpose2d,
    "max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "max_unpool2d": max_unpool2d,
    "interpolate": interpolate,
    "scaled_dot_product_attention": attention,
    "dropout": lambda x, p=0.5: x,
    "layernorm": layernorm,
    "rms_norm": rms_norm,
    "group_norm": lambda x, num_groups, eps=1e-5: F.group_norm(x, num_groups, eps=eps),
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
case("matmul", f(3, 4), f(2, 3), reverse=True)
case("matmul", i(3, 4), i(4, 2), dtype="float32")
case("matmul", f(0, 3), f(3, 2))
case("matmul", f(2, 3, 0), f(0, 2))
case("matmul", f(1, 1), f(1, 1))
case("matmul", f(3), f(2, 3, 4))
case("matmul", f(2, 3, 4), f(4))
case("matmul", f(3, 4, 1, view=[["expand", [3, 4, 5]]]), f(5, 2))
case("matmul", v([[1, nan], [inf, 2]]), v([[1, 0], [2, 1]]))
case("matmul", f(1, 400), f(400, 1))
case("dot", f(3, 4), f(4, 2))
case("dot", f(5), f(5))
case("dot", i(2, 3), i(3), dtype="float32")
case("linear", f(3, 4), f(4, 2), f(2))
case("linear", f(2, 3, 4), f(4, 5))
case("linear", f(4), f(4, 2), f(2))
case("linear", f(3, 4), f(4), f(4))
case("linear", i(3, 4), i(4, 2), i(2), dtype="float32")

case("einsum", f(3, 4), f(4, 2), formula="ij,jk->ik")
case("einsum", f(3, 4), f(4, 2), formula="ij,jk")
case("einsum", f(3, 4), formula="ij->ji")
case("einsum", f(3, 4), formula="ba")
case("einsum", f(3, 4), formula="ij->")
case("einsum", f(3, 4), formula=" i j -> j ")
case("einsum", f(3, 3), formula="ii")
case("einsum", f(3, 3), formula="ii->i")
case("einsum", f(2, 3, 4, 3), formula="abcb->ca")
case("einsum", f(3, 3, 3), formula="iii->i")
case("einsum", f(3), f(4), formula="i,j->ij")
case("einsum", f(3), f(3), formula="i,i")
case("einsum", f(2, 3, 4), f(2, 4, 2), formula="bij,bjk->bik")
case("einsum", f(2, 3, 4), f(4, 2), formula="...ij,jk->...ik")
case("einsum", f(2, 1, 3, 4), f(5, 4, 2), formula="...ij,...jk")
case("einsum", f(2, 3, 4), formula="i...->...i")
case("einsum", f(2, 3), f(3), formula="...,...->...")
case("einsum", f(2, 3), f(3, 4), f(4, 2), formula="ij,jk,kl->il")
case("einsum", f(2, 3), f(2, 3), f(2, 3), formula="ij,ij,ij->j")
case("einsum", f(3), f(3, 4), f(4), formula="i,ij,j->")
case("einsum", f(2, 2, 3, 2), f(2, 4, 3, 2), formula="bqhd,bkhd->bhqk")
case("einsum", f(1, 3), f(2, 3), formula="ij,ij->i")
case("einsum", f(), f(3), formula=",i->i")
case("einsum", f(0, 3), f(3, 2), formula="ij,jk->ik")
case("einsum", i(2, 3), i(3, 2), formula="ij,jk->ki")
case("einsum", f(4, 3, view=[["permute", [1, 0]], ["flip", [1]]]), f(4), formula="ij,j->i")
case("einsum", v([[1, nan], [inf, 2]]), formula="ij->j")

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
case("batchnorm", f(2, 3, 4), f(2, 4), f(2, 4), f(2, 4), pos(2, 4), axis=[0, 2])
case("batchnorm", f(2, 3, 2), f(3), f(3), f(3), pos(2, 3, 1))
case("layernorm", f(3, 4, 2), axis=1)
case("layernorm", f(2, 3, 4), axis=[0, -1], eps=0.1)
case("layernorm", v([[1e4, 1e4 + 1, 1e4 + 2], [5, 5, 5], [nan, 1, 2]]))
case("layernorm", f(2, 1))
case("layernorm", f(2, 70))
case("rms_norm", f(3, 6))
case("rms_norm", f(2, 3, 4), axis=[1, 2], eps=1e-3)
case("rms_norm", v([[0, 0, 0], [1e-3, 2e-3, -1e-3]]))
case("group_norm", f(2, 4, 3), num_groups=2)
case("group_norm", f(2, 6, 2, 2), num_groups=3, eps=1e-3)
case("group_norm", f(2, 4), num_groups=2)
case("group_norm", f(2, 3, 5), num_groups=3)
case("group_norm", f(2, 3, 5), num_groups=1)

case("conv2d", f(2, 3, 8), f(4, 3, 3), f(4))
case("conv2d", f(1, 2, 9), f(4, 1, 2), groups=2, stride=2, dilation=3, padding=2)
case("conv2d", f(1, 2, 6), f(2, 2, 3), padding=[2, 1])
case("conv2d", f(1, 2, 3, 4, 3), f(2, 2, 2, 2, 2), f(2))
case("conv2d", f(1, 2, 4, 4, 3), f(2, 1, 2, 3, 1), groups=2, stride=[2, 1, 1], padding=[1, 0, 1])
case("conv2d", f(1, 2, 4, 5), f(2, 2, 3, 3), padding=[2, 1, 0, 3])
case("conv2d", f(1, 1, 6, 6), f(1, 1, 2, 2), padding=[-1, -2, 1, -1])
case("conv2d", f(0, 2, 4, 4), f(3, 2, 3, 3))
case("conv2d", f(1, 1, 1, 1), f(1, 1, 1, 1), f(1))
case("conv2d", f(5, 4, 2, 1, view=[["permute", [3, 2, 1, 0]]]), f(3, 2, 2, 3, view=[["flip", [2, 3]]]))
case("conv2d", f(1, 1, 4, 4, view=[["expand", [2, 3, 4, 4]]]), f(2, 3, 2, 2))
case("conv2d", v([[[[1, nan, 2, 3], [1, 1, 1, 1], [0, inf, 0, 1]]]]), f(1, 1, 2, 2))
case("conv2d", i(1, 2, 4, 4), i(2, 2, 3, 3))
case("conv2d", i(1, 1, 4, 4), i(2, 1, 2, 2), dtype="float32")
case("conv2d", f(1, 40, 3, 3), f(2, 40, 3, 3))

case("conv_transpose2d", f(1, 1, 3, 3), f(1, 1, 2, 2))
case("conv_transpose2d", f(2, 3, 3, 2), f(3, 2, 3, 2), f(2))
case("conv_transpose2d", f(1, 2, 3, 3), f(2, 2, 3, 3), stride=2)
case("conv_transpose2d", f(1, 2, 3, 3), f(2, 1, 3, 3), f(1), stride=2, padding=1, output_padding=1)
case("conv_transpose2d", f(1, 2, 3, 2), f(2, 2, 2, 3), stride=[1, 3], padding=[0, 1], output_padding=[0, 2])
case("conv_transpose2d", f(1, 2, 3, 3), f(2, 2, 2, 2), dilation=2)
case("conv_transpose2d", f(1, 1, 3, 3), f(1, 2, 3, 3), dilation=[2, 1], stride=2, padding=1)
case("conv_transpose2d", f(1, 4, 3, 3), f(4, 3, 2, 2), f(6), groups=2)
case("conv_transpose2d", f(1, 2, 3, 3), f(2, 1, 3, 3), groups=2, stride=2, output_padding=1)
case("conv_transpose2d", f(1, 1, 2, 2), f(1, 1, 1, 1), stride=3)
case("conv_transpose2d", f(1, 1, 1, 1), f(1, 2, 3, 3))
case("conv_transpose2d", f(2, 2, 4), f(2, 3, 3), f(3), stride=2, padding=1)
case("conv_transpose2d", f(1, 2, 2, 3, 2), f(2, 1, 2, 2, 3), stride=[1, 2, 1])
case("conv_transpose2d", f(1, 2, 3, 4), f(2, 1, 2, 2), padding=[1, 0, 2, 1])
case("conv_transpose2d", f(1, 1, 2, 2), f(1, 1, 2, 2), padding=[-1, -2, 0, 1])
case("conv_transpose2d", f(3, 3, 2, 1, view=[["permute", [3, 2, 0, 1]]]), f(2, 1, 2, 2, view=[["flip", [3]]]), stride=2)
case("conv_transpose2d", f(0, 1, 2, 2), f(1, 1, 2, 2))

case("max_pool2d", f(1, 2, 4, 6))
case("max_pool2d", f(1, 1, 6, 6), kernel_size=2, stride=1, dilation=2)
case("max_pool2d", f(1, 1, 7, 6), kernel_size=[3, 2], stride=[2, 1], dilation=[1, 3], padding=[1, 0])
case("max_pool2d", f(1, 1, 5, 5), kernel_size=2, ceil_mode=True)
case("max_pool2d", f(1, 1, 7, 6), kernel_size=3, stride=2, ceil_mode=True)
case("max_pool2d", f(1, 1, 6, 7), kernel_size=3, stride=3, padding=1, ceil_mode=True)
case("max_pool2d", f(1, 1, 4, 4), kernel_size=2, stride=3, padding=1, ceil_mode=True)
case("max_pool2d", f(1, 1, 4, 5), kernel_size=3, padding=[0, 1, 2, 0], stride=1)
case("max_pool2d", f(1, 2, 4, 4), kernel_size=2, return_indices=True)
case("max_pool2d", f(1, 2, 5, 5), kernel_size=3, stride=2, padding=1, return_indices=True)
case("max_pool2d", f(1, 1, 5, 5), kernel_size=2, stride=1, dilation=2, return_indices=True)
case("max_pool2d", f(1, 1, 5, 5), kernel_size=2, return_indices=True, ceil_mode=True)
case("max_pool2d", i(1, 1, 4, 6, low=0, high=2), kernel_size=2, return_indices=True)
case("max_pool2d", i(1, 1, 4, 4), kernel_size=3, stride=1, padding=1)
case("max_pool2d", v([[[[-inf, -inf, 1, 7], [-inf, 0, 2, 3], [inf, 1, -1, -2], [3, 2, -3, -4]]]]), kernel_size=2, return_indices=True)
case("max_pool2d", f(1, 1, 1, 1), kernel_size=1, return_indices=True)
case("max_pool2d", f(2, 4, 4), kernel_size=4)
case("max_pool2d", f(1, 2, 4, 4, 2), kernel_size=[2, 2, 2])
case("max_pool2d", f(1, 2, 3, 4, 4), kernel_size=[2, 2, 3], stride=1, return_indices=True)
case("max_pool2d", f(4, 4, 2, 1, view=[["permute", [3, 2, 1, 0]]]), kernel_size=2)
case("max_pool2d", f(0, 1, 4, 4), kernel_size=2)
case("avg_pool2d", f(1, 2, 4, 6))
case("avg_pool2d", f(1, 1, 4, 5), kernel_size=2, stride=1, padding=1, count_include_pad=False)
case("avg_pool2d", f(1, 1, 5, 6), kernel_size=[3, 2], stride=2, padding=[1, 0], count_include_pad=False)
case("avg_pool2d", f(1, 1, 5, 5), kernel_size=2, ceil_mode=True)
case("avg_pool2d", f(1, 1, 7, 6), kernel_size=3, stride=2, padding=1, ceil_mode=True)
case("avg_pool2d", f(1, 1, 6, 7), kernel_size=3, stride=3, padding=1, ceil_mode=True, count_include_pad=False)
case("avg_pool2d", f(1, 1, 4, 4), kernel_size=2, stride=3, padding=1, ceil_mode=True)
case("avg_pool2d", f(1, 2, 5, 5), kernel_size=2, stride=1, dilation=2)
case("avg_pool2d", f(1, 1, 3, 4), kernel_size=2, padding=[1, 0, 0, 1])
case("avg_pool2d", i(1, 1, 4, 4), kernel_size=2)
case("avg_pool2d", f(1, 2, 2, 4, 2), kernel_size=[2, 2, 2])
case("avg_pool2d", f(2, 3, 3), kernel_size=3)
case("avg_pool2d", f(0, 1, 4, 4), kernel_size=2)

case("max_unpool2d", f(1, 1, 2, 2), v([[[[0, 3], [8, 15]]]], dtype="int32"))
case("max_unpool2d", f(1, 2, 2, 2), v([[[[0, 2], [10, 12]], [[6, 3], [11, 24]]]], dtype="int32"), output_size=[5, 5])
case("max_unpool2d", f(1, 1, 2, 2), v([[[[0, 3], [12, 18]]]], dtype="int32"), kernel_size=3, stride=2, padding=0)
case("max_unpool2d", f(1, 1, 2, 2), v([[[[0, 3], [8, 15]]]], dtype="int32"), kernel_size=[2, 2], output_size=[1, 1, 4, 4])

case("interpolate", f(2, 4), size=[7])
case("interpolate", f(1, 6), size=[3])
case("interpolate", f(2, 3, 4), size=[5, 7])
case("interpolate", f(1, 2, 5, 4), size=[3, 2], mode="bilinear")
case("interpolate", f(1, 1, 2, 2), size=[4, 4], align_corners=True)
case("interpolate", f(1, 1, 5, 4), size=[3, 1], align_corners=True)
case("interpolate", f(1, 1, 1, 3), size=[3, 5], align_corners=True)
case("interpolate", f(1, 2, 3, 2), size=[3, 2, 3], mode="trilinear")
case("interpolate", f(2, 3, 4), size=[5, 7], mode="nearest")
case("interpolate", f(1, 7, 5), size=[3, 2], mode="nearest")
case("interpolate", f(2, 3, 4), size=[5, 7], mode="nearest-exact")
case("interpolate", f(1, 7, 5), size=[3, 2], mode="nearest-exact")
case("interpolate", i(1, 3, 4), size=[6, 3], mode="nearest")
case("interpolate", f(1, 1, 1, 1), size=[2, 3])
case("interpolate", f(1, 1, 3, 3), size=[3, 3])
case("interpolate", f(4, 3, view=[["permute", [1, 0]]]), size=[5, 6])
case("interpolate", v([[1, nan, 3, inf, 5]]), size=[10], mode="nearest")

case("scaled_dot_product_attention", f(2, 3, 4), f(2, 5, 4), f(2, 5, 3))
case("scaled_dot_product_attention", f(4, 6), f(4, 6), f(4, 6), is_causal=True)
case("scaled_dot_product_attention", f(1, 2, 3, 4), f(1, 2, 5, 4), f(1, 2, 5, 4), is_causal=True)
case("scaled_dot_product_attention", f(2, 3, 4), f(2, 5, 4), f(2, 5, 4), f(3, 5), attn_mask="$3")
case("scaled_dot_product_attention", f(1, 3, 4), f(1, 4, 4), f(1, 4, 2), v([[True, False, True, False], [True, True, True, True], [False, False, False, True]], dtype="bool"), attn_mask="$3")
case("scaled_dot_product_attention", f(2, 2, 3, 4), f(2, 2, 3, 4), f(2, 2, 3, 4), v([[[[True, False, True]]], [[[True, True, False]]]], dtype="bool"), attn_mask="$3")
case("scaled_dot_product_attention", f(1, 4, 3, 2), f(1, 2, 5, 2), f(1, 2, 5, 2), enable_gqa=True)
case("scaled_dot_product_attention", f(1, 4, 3, 2), f(1, 1, 3, 2), f(1, 2, 3, 2), enable_gqa=True, is_causal=True)
case("scaled_dot_product_attention", f(1, 3, 4), f(1, 3, 4), f(1, 3, 4), dropout_p=0.5)
case("scaled_dot_product_attention", f(1, 1, 1), f(1, 1, 1), f(1, 1, 1))
case("scaled_dot_product_attention", f(1, 3, 4, low=-60, high=60), f(1, 3, 4, low=-60, high=60), f(1, 3, 4))
