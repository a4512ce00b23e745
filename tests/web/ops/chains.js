// The compositions of tests/reference/cases/chain.py.

const last = (x) => x.shape.length;

const every = (x, axis, step) => {
  const split = x.shape.flatMap((n, i) => (i === axis ? [n / step, step] : [n]));
  const first = split.map((n, i) => [0, i === axis + 1 ? 1 : n]);
  return x
    .reshape(split)
    .shrink(first)
    .reshape(split.filter((_, i) => i !== axis + 1));
};

const square = (x) => x.transpose(-2, -1).matmul(x);

/** Onto the columns from `start` on. */
const projection = (q, start) => {
  const rest = q.slice(null, [start, null]);
  return rest.matmul(rest.transpose(0, 1));
};

const rebuilt = (x) => {
  const [u, s, vh] = x.svd(false);
  return u.mul(s.unsqueeze(-2)).matmul(vh);
};

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
  chain_long_cumsum: (x) => every(x.cumsum(1), 1, 150),
  chain_long_cumprod: (x) => every(x.mul(0.01).add(1).cumprod(1), 1, 150),
  chain_long_cummax: (x) => every(x.add(x.constructor.arange(x.shape[1]).mul(0.01)).cummax(1)[0], 1, 150),
  chain_long_logcumsumexp: (x) => every(x.mul(20).logcumsumexp(1), 1, 150),
  chain_long_scan: (a, x) =>
    every(a.constructor.scan(a.sigmoid(), x.sin(), 0, { reverse: true }), 0, 100).tanh(),
  chain_selective_scan: (delta, a, x, u, c) =>
    delta.constructor.scan(delta.mul(a.exp().neg()).exp(), delta.mul(x).mul(u), 1).mul(c).sum(3),
  chain_qr_reduced: (x) => {
    const [q, r] = x.qr();
    const k = x.shape[1];
    return x.constructor.cat([q.slice(null, [0, k]).flatten(), r.slice([0, k]).flatten()]);
  },
  chain_qr_rest: (x) => projection(x.qr()[0], x.shape[1]),
  chain_qr_rebuilt: (x) => {
    const [q, r] = x.qr();
    return q.matmul(r);
  },
  chain_qr_orthogonal: (x) => square(x.qr()[0]),
  chain_svd_values: (x) => x.svd()[1],
  chain_svd_vectors: (x) => {
    const [u, , vh] = x.svd(false);
    return x.constructor.cat([u.square().flatten(), vh.square().flatten()]);
  },
  chain_svd_rest: (x) => projection(x.svd()[0], x.shape[1]),
  chain_svd_rebuilt: rebuilt,
  chain_svd_rebuilt_values: rebuilt,
  chain_svd_orthogonal: (x) => {
    const [u, , vh] = x.svd();
    return x.constructor.cat([square(u).flatten(), square(vh).flatten()]);
  },
  chain_scan_of_scans: (x) => x.cumsum(1).cumsum(0).cumprod(1),
};
