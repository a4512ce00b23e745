// The compositions of tests/reference/cases/chain.py.

const last = (x) => x.shape.length;

export const chains = {
  chain_mlp: (x, w1, b1, w2, b2, t) => x.matmul(w1).add(b1).relu().matmul(w2).add(b2).crossEntropy(t),
  chain_attention: (q, k, v) =>
    q.matmul(k.transpose(-2, -1)).div(Math.sqrt(q.shape[2])).softmax(-1).matmul(v),
  chain_conv_pool: (x, w, bias) => x.conv2d(w, bias).relu().maxPool2d(2).flatten(1),
  chain_norm_residual: (x, w, bias) => x.add(x.layerNorm().mul(w).add(bias).tanh().mul(x)),
  chain_shared: (x) => x.exp().mul(x.sin()).add(x.exp()).sum(1).mul(x.mean(1)),
  chain_bias_sum: (x, y) => x.add(y).sum(0, { keepdim: true }).mul(y).softmax(-1),
  chain_moved: (x) => x.transpose(0, 1).flip(0).slice(null, [1, null]).reshape(-1).mul(2).relu(),
  chain_layer_norm: (x, w, bias) =>
    x
      .layerNorm(last(x) - 1)
      .mul(w)
      .add(bias),
  chain_batch_norm: (x, w, bias) => {
    const axes = x.shape.map((_, i) => i).filter((i) => i !== 1);
    const invstd = x.var(axes, { correction: 0 }).add(1e-5).rsqrt();
    return x.batchNorm(w, bias, x.mean(axes), invstd);
  },
};
