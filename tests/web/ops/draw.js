import { tensor } from "../../../web/package/dist/index.js";

// Repeats the inputs that tests/reference/draw.py drew.

class Lcg {
  constructor(seed) {
    this.state = seed;
  }

  values(count, low, high) {
    return Array.from({ length: count }, () => {
      this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
      return low + (high - low) * ((this.state >>> 8) / 2 ** 24);
    });
  }
}

export const number = (value) =>
  ({ nan: Number.NaN, inf: Number.POSITIVE_INFINITY, "-inf": Number.NEGATIVE_INFINITY })[value] ??
  Number(value);

export const isFloat = (dtype) => /float/.test(dtype);
const count = (shape) => shape.reduce((total, size) => total * size, 1);

function leaf({ shape, dtype, values, low = 0, high = 0 }, lcg) {
  const drawn = values ? values.map(number) : lcg.values(count(shape), low, high);
  if (isFloat(dtype)) return tensor(drawn, { shape, dtype, requiresGrad: true });
  const whole = drawn.map(Math.floor);
  return tensor(dtype === "bool" ? whole.map((v) => v !== 0) : whole, { shape, dtype });
}

const moves = {
  permute: (x, axes) => x.permute(...axes),
  flip: (x, axes) => x.flip(axes),
  expand: (x, shape) => x.expand(...shape),
  reshape: (x, shape) => x.reshape(...shape),
  slice: (x, parts) => x.slice(...parts),
  pad: (x, pairs) => x.pad(pairs),
};

export function draw({ seed, inputs, outs, grads }) {
  const lcg = new Lcg(seed);
  const leaves = inputs.map((input) => leaf(input, lcg));
  const viewed = inputs.map(({ view }, i) =>
    view.reduce((x, [name, args]) => moves[name](x, args), leaves[i]),
  );
  const weights = outs.map(({ shape, dtype, values }) =>
    grads && isFloat(dtype) ? tensor(lcg.values(values.length, -1, 1), { shape }) : null,
  );
  return { leaves, viewed, weights };
}
