"""Compositions of several methods, whose kernels fuse; tests/reference/chain.rs composes the same."""

import math

import torch.nn.functional as F

from draw import case, f, i


def attention(q, k, v):
    return F.softmax(q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]), -1) @ v


OPS = {
    "chain_mlp": lambda x, w1, b1, w2, b2, t: F.cross_entropy(F.relu(x @ w1 + b1) @ w2 + b2, t.long()),
    "chain_attention": attention,
    "chain_conv_pool": lambda x, w, bias: F.max_pool2d(F.relu(F.conv2d(x, w, bias)), 2).flatten(1),
    "chain_norm_residual": lambda x, w, bias: x + F.layer_norm(x, x.shape[-1:], w, bias).tanh() * x,
    "chain_shared": lambda x: (x.exp() * x.sin() + x.exp()).sum(1) * x.mean(1),
    "chain_bias_sum": lambda x, y: ((x + y).sum(0, keepdim=True) * y).softmax(-1),
    "chain_moved": lambda x: (x.transpose(0, 1).flip([0])[:, 1:].reshape(-1) * 2).relu(),
    "chain_layer_norm": lambda x, w, bias: F.layer_norm(x, x.shape[1:], w, bias),
    "chain_batch_norm": lambda x, w, bias: F.batch_norm(x, None, None, w, bias, training=True, eps=1e-5),
}

case("chain_layer_norm", f(2, 3, 4), f(3, 4), f(3, 4))
case("chain_batch_norm", f(3, 2, 3, 3), f(2), f(2))
case("chain_batch_norm", f(6, 3), f(3), f(3))
case("chain_mlp", f(6, 5), f(5, 8), f(8), f(8, 4), f(4), i(6, low=0, high=4))
case("chain_attention", f(2, 4, 3), f(2, 5, 3), f(2, 5, 2))
case("chain_conv_pool", f(2, 2, 6, 6), f(3, 2, 3, 3), f(3))
case("chain_norm_residual", f(4, 6), f(6), f(6))
case("chain_shared", f(4, 5))
case("chain_bias_sum", f(4, 3), f(3))
case("chain_moved", f(3, 4))
