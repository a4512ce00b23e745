// Each i is a cell. A row of gates holds those for the input, those for the output, and the candidates.
unsigned n = cell_shape[1];
unsigned at = (i / n) * 3 * n + i % n;
float enters = 1 / (1 + expf(-gates[at]));
float leaves = 1 / (1 + expf(-gates[at + n]));
float x = gates[at + 2 * n];
float candidate = x > 0 ? x : expf(x) - 1;
float now = cell[i] + candidate * enters;
out[i] = tanhf(now) * leaves;
out[cell_size + i] = now;
