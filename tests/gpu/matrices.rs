//! Matrices of a subgroup, imitated: a factor is its place in the tile, and an invocation holds every `lanes`-th element
//! of a sum. Where no driver has any, what surrounds them runs.

use playgrad::render::{MatrixSpelling, Shape};

pub static IMITATED: MatrixSpelling = MatrixSpelling {
    helpers: |s| {
        let Shape { prefix, size, stride, lanes, .. } = s;
        let numbers = [("SIZE", size), ("STRIDE", stride), ("LANES", lanes)];
        let named = HELPERS.replace("PREFIX", prefix);
        numbers.iter().fold(named, |text, (name, value)| text.replace(name, &value.to_string()))
    },
    zero: |s| format!("array<f32, {}>()", s.size * s.size / s.lanes),
    load: |_, _, at| at.into(),
    multiply: |s, a, b, sum| format!("{}multiply({a}, {b}, {sum}, lane)", s.prefix),
    store: |s, sum, at| format!("{}store({sum}, {at}, lane);", s.prefix),
};

const HELPERS: &str = "\
alias PREFIXShare = array<f32, SIZE * SIZE / LANES>;

fn PREFIXmultiply(a: i32, b: i32, sum: PREFIXShare, lane: i32) -> PREFIXShare {
  var out = sum;
  for (var i = 0; i < SIZE * SIZE / LANES; i += 1) {
    let row = (i * LANES + lane) / SIZE;
    let column = (i * LANES + lane) % SIZE;
    for (var k = 0; k < SIZE; k += 1) {
      out[i] += f32(PREFIXtile_a[a + k * STRIDE + row]) * f32(PREFIXtile_b[b + k * STRIDE + column]);
    }
  }
  return out;
}

fn PREFIXstore(sum: PREFIXShare, start: i32, lane: i32) {
  var values = sum;
  for (var i = 0; i < SIZE * SIZE / LANES; i += 1) {
    PREFIXoutputs[start + i * LANES + lane] = values[i];
  }
}

";
