"""Layers. Their tensors and formulas are the engine's; names, defaults and order of the fields are tinygrad's."""

from .._engine import ArgumentError, DTypeError, ask
from ..dtype import dtypes
from ..tensor import Tensor
from . import datasets, optim, state  # noqa: F401
from ._sizes import times, whole
from .recurrent import GRU, LSTM, RNN, LSTMCell  # noqa: F401


def _fresh(kind, sizes, affine=True):
    """The tensors of a new layer by name."""
    names, ids = ask("newLayer", kind, whole(kind, *sizes), affine)
    return dict(zip(names, map(Tensor._of, ids)))


def _weights(kind, sizes, affine=True):
    """Weight and bias of a new layer; None for what it has not."""
    made = _fresh(kind, sizes, affine)
    return made.get("weight"), made.get("bias")


def _scaled(x, weight, bias, shape):
    """`x · weight + bias` in that shape, where they are."""
    if weight is not None:
        x = x * weight.reshape(shape)
    return x if bias is None else x + bias.reshape(shape)


class Linear:
    """`x · weightᵀ + bias`: input `[…, in]`, output `[…, out]`. Weights start uniform within 1 / √in."""

    def __init__(self, in_features, out_features, bias=True):
        self.weight, self.bias = _weights("Linear", [in_features, out_features], bias)

    def __call__(self, x):
        return x.linear(self.weight.transpose(), self.bias)


class Conv2d:
    """2-D convolution: input `[n, in, h, w]`, output `[n, out, h', w']`; as many axes as the kernel has numbers.

    `padding` is a number, one for each axis, two for each axis from the last, or `"same"`, which keeps the size.
    """

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True
    ):
        self.kernel_size = times(kernel_size, 2)
        self.stride, self.dilation, self.groups, self.padding = stride, dilation, groups, padding
        if isinstance(padding, str):
            if padding.lower() != "same" or any(step != 1 for step in times(stride, 1)):
                got = f"padding {padding!r} with a stride of {stride}"
                raise ArgumentError("Conv2d", got, 'numbers, or "same" with a stride of 1', "give numbers")
            self.padding = tuple(ask("samePadding", list(self.kernel_size), list(times(dilation, 1))))
        self.weight, self.bias = _weights(
            type(self).__name__, [in_channels, out_channels, groups, *self.kernel_size], bias
        )

    def __call__(self, x):
        return x.conv2d(self.weight, self.bias, self.groups, self.stride, self.dilation, self.padding)


def Conv1d(in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True):
    """1-D convolution: input `[n, in, l]`, output `[n, out, l']`."""
    return Conv2d(in_channels, out_channels, (kernel_size,), stride, padding, dilation, groups, bias)


class ConvTranspose2d(Conv2d):
    """The transpose of `Conv2d`: input `[n, in, h, w]`, output `[n, out, h', w']`."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        dilation=1,
        groups=1,
        bias=True,
    ):
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)
        self.output_padding = output_padding

    def __call__(self, x):
        return x.conv_transpose2d(
            self.weight,
            self.bias,
            self.groups,
            self.stride,
            self.dilation,
            self.padding,
            self.output_padding,
        )


def ConvTranspose1d(
    in_channels,
    out_channels,
    kernel_size,
    stride=1,
    padding=0,
    output_padding=0,
    dilation=1,
    groups=1,
    bias=True,
):
    """The transpose of `Conv1d`: input `[n, in, l]`, output `[n, out, l']`."""
    return ConvTranspose2d(
        in_channels, out_channels, (kernel_size,), stride, padding, output_padding, dilation, groups, bias
    )


class BatchNorm:
    """Normalises each channel (axis 1) by the batch's statistics in training, by running ones otherwise."""

    def __init__(self, sz, eps=1e-5, affine=True, track_running_stats=True, momentum=0.1):
        self.eps, self.track_running_stats, self.momentum = eps, track_running_stats, momentum
        made = _fresh("BatchNorm", [sz], affine)
        self.weight, self.bias = made.get("weight"), made.get("bias")
        self.num_batches_tracked = made["num_batches_tracked"]
        if track_running_stats:
            self.running_mean, self.running_var = made["running_mean"], made["running_var"]
            self.running_mean.requires_grad = self.running_var.requires_grad = False

    def __call__(self, x):
        affine = [0 if t is None else t._id for t in (self.weight, self.bias)]
        running = []
        if self.track_running_stats:
            running = [self.running_mean._id, self.running_var._id, self.num_batches_tracked._id]
        return Tensor._of(ask("runBatchNorm", x._id, affine, running, self.eps, self.momentum))


BatchNorm2d = BatchNorm3d = BatchNorm


class GroupNorm:
    """Mean 0 and variance 1 over each group of channels and all axes behind, then scaled (arXiv 1803.08494)."""

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True):
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.weight, self.bias = _weights("GroupNorm", [num_channels], affine)

    def __call__(self, x):
        channels = (1, -1, *(1,) * (x.ndim - 2))
        return _scaled(x.group_norm(self.num_groups, self.eps), self.weight, self.bias, channels)


class InstanceNorm(GroupNorm):
    """Mean 0 and variance 1 over all that is behind each channel, then scaled (arXiv 1607.08022)."""

    def __init__(self, num_features, eps=1e-5, affine=True):
        super().__init__(num_features, num_features, eps, affine)
        self.num_features = num_features


class LayerNorm:
    """Mean 0 and variance 1 over the last axes, of sizes `normalized_shape`, then scaled (arXiv 1607.06450)."""

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True):
        self.normalized_shape = times(normalized_shape, 1)
        self.axis, self.eps = tuple(range(-1, -1 - len(self.normalized_shape), -1)), eps
        self.weight, self.bias = _weights("LayerNorm", list(self.normalized_shape), elementwise_affine)

    def __call__(self, x):
        return _scaled(x.layernorm(self.axis, self.eps), self.weight, self.bias, self.normalized_shape)


class LayerNorm2d(LayerNorm):
    """`LayerNorm` over the channels of `[n, channels, h, w]`."""

    def __call__(self, x):
        return super().__call__(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class RMSNorm:
    """Divides by the root of the mean square over the last axis, then scales (arXiv 1910.07467)."""

    def __init__(self, dim, eps=1e-6, elementwise_affine=True):
        self.eps = eps
        self.weight, _ = _weights("RMSNorm", [dim], elementwise_affine)

    def __call__(self, x):
        return _scaled(x.float().rms_norm(-1, self.eps).cast(x.dtype), self.weight, None, (-1,))


class Embedding:
    """A table of learned rows: integers `[…]` in, `[…, embed_size]` out."""

    def __init__(self, vocab_size, embed_size):
        self.weight, _ = _weights("Embedding", [vocab_size, embed_size])

    def __call__(self, idx):
        if not dtypes.is_int(idx.dtype):
            raise DTypeError("Embedding", str(idx.dtype), "integers", "x.cast(dtypes.int)")
        return self.weight[idx]
