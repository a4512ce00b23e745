fn from_f16(half: u32) -> f32 {
  return unpack2x16float(half).x;
}

fn to_f16(x: f32) -> u32 {
  return select(pack2x16float(vec2<f32>(x, 0.0)), 0x7e00u, is_nan(x));
}

fn round_f16(x: f32) -> f32 {
  return f32(f16(x));
}
