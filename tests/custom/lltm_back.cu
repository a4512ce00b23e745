// A row of out holds the gradients of a row of gates, then those of a row of cells.
unsigned n = cell_shape[1];
unsigned at = (i / n) * 3 * n + i % n;
float enters = 1 / (1 + expf(-gates[at]));
float leaves = 1 / (1 + expf(-gates[at + n]));
float x = gates[at + 2 * n];
float candidate = x > 0 ? x : expf(x) - 1;
float t = tanhf(cell[i] + candidate * enters);
float now = g[i] * leaves * (1 - t * t) + g[cell_size + i];
unsigned to = (i / n) * 4 * n + i % n;
out[to] = now * candidate * enters * (1 - enters);
out[to + n] = g[i] * t * leaves * (1 - leaves);
out[to + 2 * n] = now * enters * (x > 0 ? 1 : expf(x));
out[to + 3 * n] = now;
