out[i] = a[i] * b[i] + c[i];
