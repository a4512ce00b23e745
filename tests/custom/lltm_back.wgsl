// A row of out holds the gradients of a row of gates, then those of a row of cells.
let n = cell_shape[1];
let at = (i / n) * 3u * n + i % n;
let enters = 1.0 / (1.0 + exp(-gates[at]));
let leaves = 1.0 / (1.0 + exp(-gates[at + n]));
let x = gates[at + 2u * n];
let candidate = select(exp(x) - 1.0, x, x > 0.0);
let t = tanh(cell[i] + candidate * enters);
let now = g[i] * leaves * (1.0 - t * t) + g[cell_size + i];
let to = (i / n) * 4u * n + i % n;
out[to] = now * candidate * enters * (1.0 - enters);
out[to + n] = g[i] * t * leaves * (1.0 - leaves);
out[to + 2u * n] = now * enters * select(exp(x), 1.0, x > 0.0);
out[to + 3u * n] = now;
