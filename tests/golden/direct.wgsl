@group(0) @binding(1) var<storage, read> b0: array<f32>;
@group(0) @binding(2) var<storage, read> b1: array<f32>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
  a2: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;

// 1 neighbouring invocations, a team, compute 8 x 8 outputs straight from the buffers; each holds
// 8 of the columns. What the rows have in common for a team is loaded once and handed around.
fn part(group: i32, thread: u32) {
  let team = group * 2 + i32(thread) / 1;
  let lane = i32(thread) % 1;
  let tile = min(team, 39 - 1);
  let batch = tile / 39;
  let first_row = tile % 39 / 3 * 8;
  let first_column = tile % 3 * 8;
  let row0 = min(first_row + lane + 0, 99);
  let r0_row0 = row0;
  let base0_row0 = at.a0 + (r0_row0 * 30);
  let row1 = min(first_row + lane + 1, 99);
  let r0_row1 = row1;
  let base0_row1 = at.a0 + (r0_row1 * 30);
  let row2 = min(first_row + lane + 2, 99);
  let r0_row2 = row2;
  let base0_row2 = at.a0 + (r0_row2 * 30);
  let row3 = min(first_row + lane + 3, 99);
  let r0_row3 = row3;
  let base0_row3 = at.a0 + (r0_row3 * 30);
  let row4 = min(first_row + lane + 4, 99);
  let r0_row4 = row4;
  let base0_row4 = at.a0 + (r0_row4 * 30);
  let row5 = min(first_row + lane + 5, 99);
  let r0_row5 = row5;
  let base0_row5 = at.a0 + (r0_row5 * 30);
  let row6 = min(first_row + lane + 6, 99);
  let r0_row6 = row6;
  let base0_row6 = at.a0 + (r0_row6 * 30);
  let row7 = min(first_row + lane + 7, 99);
  let r0_row7 = row7;
  let base0_row7 = at.a0 + (r0_row7 * 30);
  let column0 = min(first_column + lane + 0, 19);
  let r1_column0 = column0;
  let base1_column0 = at.a1 + r1_column0;
  let column1 = min(first_column + lane + 1, 19);
  let r1_column1 = column1;
  let base1_column1 = at.a1 + r1_column1;
  let column2 = min(first_column + lane + 2, 19);
  let r1_column2 = column2;
  let base1_column2 = at.a1 + r1_column2;
  let column3 = min(first_column + lane + 3, 19);
  let r1_column3 = column3;
  let base1_column3 = at.a1 + r1_column3;
  let column4 = min(first_column + lane + 4, 19);
  let r1_column4 = column4;
  let base1_column4 = at.a1 + r1_column4;
  let column5 = min(first_column + lane + 5, 19);
  let r1_column5 = column5;
  let base1_column5 = at.a1 + r1_column5;
  let column6 = min(first_column + lane + 6, 19);
  let r1_column6 = column6;
  let base1_column6 = at.a1 + r1_column6;
  let column7 = min(first_column + lane + 7, 19);
  let r1_column7 = column7;
  let base1_column7 = at.a1 + r1_column7;
  var sum0: f32 = 0.0f;
  var sum1: f32 = 0.0f;
  var sum2: f32 = 0.0f;
  var sum3: f32 = 0.0f;
  var sum4: f32 = 0.0f;
  var sum5: f32 = 0.0f;
  var sum6: f32 = 0.0f;
  var sum7: f32 = 0.0f;
  var sum8: f32 = 0.0f;
  var sum9: f32 = 0.0f;
  var sum10: f32 = 0.0f;
  var sum11: f32 = 0.0f;
  var sum12: f32 = 0.0f;
  var sum13: f32 = 0.0f;
  var sum14: f32 = 0.0f;
  var sum15: f32 = 0.0f;
  var sum16: f32 = 0.0f;
  var sum17: f32 = 0.0f;
  var sum18: f32 = 0.0f;
  var sum19: f32 = 0.0f;
  var sum20: f32 = 0.0f;
  var sum21: f32 = 0.0f;
  var sum22: f32 = 0.0f;
  var sum23: f32 = 0.0f;
  var sum24: f32 = 0.0f;
  var sum25: f32 = 0.0f;
  var sum26: f32 = 0.0f;
  var sum27: f32 = 0.0f;
  var sum28: f32 = 0.0f;
  var sum29: f32 = 0.0f;
  var sum30: f32 = 0.0f;
  var sum31: f32 = 0.0f;
  var sum32: f32 = 0.0f;
  var sum33: f32 = 0.0f;
  var sum34: f32 = 0.0f;
  var sum35: f32 = 0.0f;
  var sum36: f32 = 0.0f;
  var sum37: f32 = 0.0f;
  var sum38: f32 = 0.0f;
  var sum39: f32 = 0.0f;
  var sum40: f32 = 0.0f;
  var sum41: f32 = 0.0f;
  var sum42: f32 = 0.0f;
  var sum43: f32 = 0.0f;
  var sum44: f32 = 0.0f;
  var sum45: f32 = 0.0f;
  var sum46: f32 = 0.0f;
  var sum47: f32 = 0.0f;
  var sum48: f32 = 0.0f;
  var sum49: f32 = 0.0f;
  var sum50: f32 = 0.0f;
  var sum51: f32 = 0.0f;
  var sum52: f32 = 0.0f;
  var sum53: f32 = 0.0f;
  var sum54: f32 = 0.0f;
  var sum55: f32 = 0.0f;
  var sum56: f32 = 0.0f;
  var sum57: f32 = 0.0f;
  var sum58: f32 = 0.0f;
  var sum59: f32 = 0.0f;
  var sum60: f32 = 0.0f;
  var sum61: f32 = 0.0f;
  var sum62: f32 = 0.0f;
  var sum63: f32 = 0.0f;
  for (var k: i32 = 0; k < 30; k += 2) {
    {
      let r2 = k + 0;
      let v0_row0 = b0[base0_row0 + r2];
      let v0_row1 = b0[base0_row1 + r2];
      let v0_row2 = b0[base0_row2 + r2];
      let v0_row3 = b0[base0_row3 + r2];
      let v0_row4 = b0[base0_row4 + r2];
      let v0_row5 = b0[base0_row5 + r2];
      let v0_row6 = b0[base0_row6 + r2];
      let v0_row7 = b0[base0_row7 + r2];
      let v1_column0 = b1[base1_column0 + (r2 * 20)];
      let v1_column1 = b1[base1_column1 + (r2 * 20)];
      let v1_column2 = b1[base1_column2 + (r2 * 20)];
      let v1_column3 = b1[base1_column3 + (r2 * 20)];
      let v1_column4 = b1[base1_column4 + (r2 * 20)];
      let v1_column5 = b1[base1_column5 + (r2 * 20)];
      let v1_column6 = b1[base1_column6 + (r2 * 20)];
      let v1_column7 = b1[base1_column7 + (r2 * 20)];
      sum0 += v0_row0 * v1_column0;
      sum1 += v0_row0 * v1_column1;
      sum2 += v0_row0 * v1_column2;
      sum3 += v0_row0 * v1_column3;
      sum4 += v0_row0 * v1_column4;
      sum5 += v0_row0 * v1_column5;
      sum6 += v0_row0 * v1_column6;
      sum7 += v0_row0 * v1_column7;
      sum8 += v0_row1 * v1_column0;
      sum9 += v0_row1 * v1_column1;
      sum10 += v0_row1 * v1_column2;
      sum11 += v0_row1 * v1_column3;
      sum12 += v0_row1 * v1_column4;
      sum13 += v0_row1 * v1_column5;
      sum14 += v0_row1 * v1_column6;
      sum15 += v0_row1 * v1_column7;
      sum16 += v0_row2 * v1_column0;
      sum17 += v0_row2 * v1_column1;
      sum18 += v0_row2 * v1_column2;
      sum19 += v0_row2 * v1_column3;
      sum20 += v0_row2 * v1_column4;
      sum21 += v0_row2 * v1_column5;
      sum22 += v0_row2 * v1_column6;
      sum23 += v0_row2 * v1_column7;
      sum24 += v0_row3 * v1_column0;
      sum25 += v0_row3 * v1_column1;
      sum26 += v0_row3 * v1_column2;
      sum27 += v0_row3 * v1_column3;
      sum28 += v0_row3 * v1_column4;
      sum29 += v0_row3 * v1_column5;
      sum30 += v0_row3 * v1_column6;
      sum31 += v0_row3 * v1_column7;
      sum32 += v0_row4 * v1_column0;
      sum33 += v0_row4 * v1_column1;
      sum34 += v0_row4 * v1_column2;
      sum35 += v0_row4 * v1_column3;
      sum36 += v0_row4 * v1_column4;
      sum37 += v0_row4 * v1_column5;
      sum38 += v0_row4 * v1_column6;
      sum39 += v0_row4 * v1_column7;
      sum40 += v0_row5 * v1_column0;
      sum41 += v0_row5 * v1_column1;
      sum42 += v0_row5 * v1_column2;
      sum43 += v0_row5 * v1_column3;
      sum44 += v0_row5 * v1_column4;
      sum45 += v0_row5 * v1_column5;
      sum46 += v0_row5 * v1_column6;
      sum47 += v0_row5 * v1_column7;
      sum48 += v0_row6 * v1_column0;
      sum49 += v0_row6 * v1_column1;
      sum50 += v0_row6 * v1_column2;
      sum51 += v0_row6 * v1_column3;
      sum52 += v0_row6 * v1_column4;
      sum53 += v0_row6 * v1_column5;
      sum54 += v0_row6 * v1_column6;
      sum55 += v0_row6 * v1_column7;
      sum56 += v0_row7 * v1_column0;
      sum57 += v0_row7 * v1_column1;
      sum58 += v0_row7 * v1_column2;
      sum59 += v0_row7 * v1_column3;
      sum60 += v0_row7 * v1_column4;
      sum61 += v0_row7 * v1_column5;
      sum62 += v0_row7 * v1_column6;
      sum63 += v0_row7 * v1_column7;
    }
    {
      let r2 = k + 1;
      let v0_row0 = b0[base0_row0 + r2];
      let v0_row1 = b0[base0_row1 + r2];
      let v0_row2 = b0[base0_row2 + r2];
      let v0_row3 = b0[base0_row3 + r2];
      let v0_row4 = b0[base0_row4 + r2];
      let v0_row5 = b0[base0_row5 + r2];
      let v0_row6 = b0[base0_row6 + r2];
      let v0_row7 = b0[base0_row7 + r2];
      let v1_column0 = b1[base1_column0 + (r2 * 20)];
      let v1_column1 = b1[base1_column1 + (r2 * 20)];
      let v1_column2 = b1[base1_column2 + (r2 * 20)];
      let v1_column3 = b1[base1_column3 + (r2 * 20)];
      let v1_column4 = b1[base1_column4 + (r2 * 20)];
      let v1_column5 = b1[base1_column5 + (r2 * 20)];
      let v1_column6 = b1[base1_column6 + (r2 * 20)];
      let v1_column7 = b1[base1_column7 + (r2 * 20)];
      sum0 += v0_row0 * v1_column0;
      sum1 += v0_row0 * v1_column1;
      sum2 += v0_row0 * v1_column2;
      sum3 += v0_row0 * v1_column3;
      sum4 += v0_row0 * v1_column4;
      sum5 += v0_row0 * v1_column5;
      sum6 += v0_row0 * v1_column6;
      sum7 += v0_row0 * v1_column7;
      sum8 += v0_row1 * v1_column0;
      sum9 += v0_row1 * v1_column1;
      sum10 += v0_row1 * v1_column2;
      sum11 += v0_row1 * v1_column3;
      sum12 += v0_row1 * v1_column4;
      sum13 += v0_row1 * v1_column5;
      sum14 += v0_row1 * v1_column6;
      sum15 += v0_row1 * v1_column7;
      sum16 += v0_row2 * v1_column0;
      sum17 += v0_row2 * v1_column1;
      sum18 += v0_row2 * v1_column2;
      sum19 += v0_row2 * v1_column3;
      sum20 += v0_row2 * v1_column4;
      sum21 += v0_row2 * v1_column5;
      sum22 += v0_row2 * v1_column6;
      sum23 += v0_row2 * v1_column7;
      sum24 += v0_row3 * v1_column0;
      sum25 += v0_row3 * v1_column1;
      sum26 += v0_row3 * v1_column2;
      sum27 += v0_row3 * v1_column3;
      sum28 += v0_row3 * v1_column4;
      sum29 += v0_row3 * v1_column5;
      sum30 += v0_row3 * v1_column6;
      sum31 += v0_row3 * v1_column7;
      sum32 += v0_row4 * v1_column0;
      sum33 += v0_row4 * v1_column1;
      sum34 += v0_row4 * v1_column2;
      sum35 += v0_row4 * v1_column3;
      sum36 += v0_row4 * v1_column4;
      sum37 += v0_row4 * v1_column5;
      sum38 += v0_row4 * v1_column6;
      sum39 += v0_row4 * v1_column7;
      sum40 += v0_row5 * v1_column0;
      sum41 += v0_row5 * v1_column1;
      sum42 += v0_row5 * v1_column2;
      sum43 += v0_row5 * v1_column3;
      sum44 += v0_row5 * v1_column4;
      sum45 += v0_row5 * v1_column5;
      sum46 += v0_row5 * v1_column6;
      sum47 += v0_row5 * v1_column7;
      sum48 += v0_row6 * v1_column0;
      sum49 += v0_row6 * v1_column1;
      sum50 += v0_row6 * v1_column2;
      sum51 += v0_row6 * v1_column3;
      sum52 += v0_row6 * v1_column4;
      sum53 += v0_row6 * v1_column5;
      sum54 += v0_row6 * v1_column6;
      sum55 += v0_row6 * v1_column7;
      sum56 += v0_row7 * v1_column0;
      sum57 += v0_row7 * v1_column1;
      sum58 += v0_row7 * v1_column2;
      sum59 += v0_row7 * v1_column3;
      sum60 += v0_row7 * v1_column4;
      sum61 += v0_row7 * v1_column5;
      sum62 += v0_row7 * v1_column6;
      sum63 += v0_row7 * v1_column7;
    }
  }
  if (team > tile) {
    return;
  }
  var sums = array<f32, 64>(sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7, sum8, sum9, sum10, sum11, sum12, sum13, sum14, sum15, sum16, sum17, sum18, sum19, sum20, sum21, sum22, sum23, sum24, sum25, sum26, sum27, sum28, sum29, sum30, sum31, sum32, sum33, sum34, sum35, sum36, sum37, sum38, sum39, sum40, sum41, sum42, sum43, sum44, sum45, sum46, sum47, sum48, sum49, sum50, sum51, sum52, sum53, sum54, sum55, sum56, sum57, sum58, sum59, sum60, sum61, sum62, sum63);
  for (var i = 0; i < min(8, 100 - first_row); i += 1) {
    let row = first_row + i;
    let r0 = row;
    if (first_column + lane + 0 < 20) {
      let v5_column0 = select(sums[i * 8 + 0], 0.0f, sums[i * 8 + 0] < 0.0f);
      b2[at.a2 + (r0 * 20 + r1_column0)] = v5_column0;
    }
    if (first_column + lane + 1 < 20) {
      let v5_column1 = select(sums[i * 8 + 1], 0.0f, sums[i * 8 + 1] < 0.0f);
      b2[at.a2 + (r0 * 20 + r1_column1)] = v5_column1;
    }
    if (first_column + lane + 2 < 20) {
      let v5_column2 = select(sums[i * 8 + 2], 0.0f, sums[i * 8 + 2] < 0.0f);
      b2[at.a2 + (r0 * 20 + r1_column2)] = v5_column2;
    }
    if (first_column + lane + 3 < 20) {
      let v5_column3 = select(sums[i * 8 + 3], 0.0f, sums[i * 8 + 3] < 0.0f);
      b2[at.a2 + (r0 * 20 + r1_column3)] = v5_column3;
    }
    if (first_column + lane + 4 < 20) {
      let v5_column4 = select(sums[i * 8 + 4], 0.0f, sums[i * 8 + 4] < 0.0f);
      b2[at.a2 + (r0 * 20 + r1_column4)] = v5_column4;
    }
    if (first_column + lane + 5 < 20) {
      let v5_column5 = select(sums[i * 8 + 5], 0.0f, sums[i * 8 + 5] < 0.0f);
      b2[at.a2 + (r0 * 20 + r1_column5)] = v5_column5;
    }
    if (first_column + lane + 6 < 20) {
      let v5_column6 = select(sums[i * 8 + 6], 0.0f, sums[i * 8 + 6] < 0.0f);
      b2[at.a2 + (r0 * 20 + r1_column6)] = v5_column6;
    }
    if (first_column + lane + 7 < 20) {
      let v5_column7 = select(sums[i * 8 + 7], 0.0f, sums[i * 8 + 7] < 0.0f);
      b2[at.a2 + (r0 * 20 + r1_column7)] = v5_column7;
    }
  }
}

@compute @workgroup_size(2)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 20u + id.x);
  if (group >= 20) {
    return;
  }
  part(group, thread);
}
