// Each i is a cell. A row of gates holds those for the input, those for the output, and the candidates.
let n = cell_shape[1];
let at = (i / n) * 3u * n + i % n;
let enters = 1.0 / (1.0 + exp(-gates[at]));
let leaves = 1.0 / (1.0 + exp(-gates[at + n]));
let x = gates[at + 2u * n];
let candidate = select(exp(x) - 1.0, x, x > 0.0);
let now = cell[i] + candidate * enters;
out[i] = tanh(now) * leaves;
out[cell_size + i] = now;
