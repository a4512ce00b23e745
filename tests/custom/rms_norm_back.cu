// Each i is a row of x.
unsigned n = x_shape[1];
float squares = 0, along = 0;
for (unsigned j = i * n; j < i * n + n; j++) {
  squares += x[j] * x[j];
  along += g[j] * w[j - i * n] * x[j];
}
float scale = 1 / sqrtf(squares / n + 1e-5f);
for (unsigned j = i * n; j < i * n + n; j++) {
  out[j] = scale * (g[j] * w[j - i * n] - x[j] * scale * scale * along / n);
}
