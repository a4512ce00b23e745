// Each i is a row of x.
let n = x_shape[1];
var squares = 0.0;
var along = 0.0;
for (var j = i * n; j < i * n + n; j++) {
  squares += x[j] * x[j];
  along += g[j] * w[j - i * n] * x[j];
}
let scale = inverseSqrt(squares / f32(n) + 1e-5);
for (var j = i * n; j < i * n + n; j++) {
  out[j] = scale * (g[j] * w[j - i * n] - x[j] * scale * scale * along / f32(n));
}
