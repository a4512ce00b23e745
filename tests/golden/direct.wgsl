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

// 1 neighbouring invocations, a team, compute 4 x 4 outputs straight from the buffers; each holds
// 4 of the columns. What the rows have in common for a team is loaded once and handed around.
fn part(group: i32, thread: u32) {
  let team = group * 4 + i32(thread) / 1;
  let lane = i32(thread) % 1;
  let tile = min(team, 125 - 1);
  let batch = tile / 125;
  let first_row = tile % 125 / 5 * 4;
  let first_column = tile % 5 * 4;
  let row0 = min(first_row + lane + 0, 99);
  let r0_row0 = row0;
  let base1 = at.a0 + (r0_row0 * 30);
  let row1 = min(first_row + lane + 1, 99);
  let r0_row1 = row1;
  let base2 = at.a0 + (r0_row1 * 30);
  let row2 = min(first_row + lane + 2, 99);
  let r0_row2 = row2;
  let base3 = at.a0 + (r0_row2 * 30);
  let row3 = min(first_row + lane + 3, 99);
  let r0_row3 = row3;
  let base4 = at.a0 + (r0_row3 * 30);
  let column0 = min(first_column + lane + 0, 19);
  let r1_column0 = column0;
  let base5 = at.a1 + r1_column0;
  let column1 = min(first_column + lane + 1, 19);
  let r1_column1 = column1;
  let base6 = at.a1 + r1_column1;
  let column2 = min(first_column + lane + 2, 19);
  let r1_column2 = column2;
  let base7 = at.a1 + r1_column2;
  let column3 = min(first_column + lane + 3, 19);
  let r1_column3 = column3;
  let base8 = at.a1 + r1_column3;
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
  let base9 = base1 + 0;
  let base10 = base2 + 0;
  let base11 = base3 + 0;
  let base12 = base4 + 0;
  let base13 = base5 + 0;
  let base14 = base6 + 0;
  let base15 = base7 + 0;
  let base16 = base8 + 0;
  for (var k: i32 = 0; k < 30; k += 3) {
    {
      let r2 = k + 0;
      let v0_row0 = b0[base9 + r2];
      let v0_row1 = b0[base10 + r2];
      let v0_row2 = b0[base11 + r2];
      let v0_row3 = b0[base12 + r2];
      let v1_column0 = b1[base13 + (r2 * 20)];
      let v1_column1 = b1[base14 + (r2 * 20)];
      let v1_column2 = b1[base15 + (r2 * 20)];
      let v1_column3 = b1[base16 + (r2 * 20)];
      sum0 += v0_row0 * v1_column0;
      sum1 += v0_row0 * v1_column1;
      sum2 += v0_row0 * v1_column2;
      sum3 += v0_row0 * v1_column3;
      sum4 += v0_row1 * v1_column0;
      sum5 += v0_row1 * v1_column1;
      sum6 += v0_row1 * v1_column2;
      sum7 += v0_row1 * v1_column3;
      sum8 += v0_row2 * v1_column0;
      sum9 += v0_row2 * v1_column1;
      sum10 += v0_row2 * v1_column2;
      sum11 += v0_row2 * v1_column3;
      sum12 += v0_row3 * v1_column0;
      sum13 += v0_row3 * v1_column1;
      sum14 += v0_row3 * v1_column2;
      sum15 += v0_row3 * v1_column3;
    }
    {
      let r2 = k + 1;
      let v0_row0 = b0[base9 + r2];
      let v0_row1 = b0[base10 + r2];
      let v0_row2 = b0[base11 + r2];
      let v0_row3 = b0[base12 + r2];
      let v1_column0 = b1[base13 + (r2 * 20)];
      let v1_column1 = b1[base14 + (r2 * 20)];
      let v1_column2 = b1[base15 + (r2 * 20)];
      let v1_column3 = b1[base16 + (r2 * 20)];
      sum0 += v0_row0 * v1_column0;
      sum1 += v0_row0 * v1_column1;
      sum2 += v0_row0 * v1_column2;
      sum3 += v0_row0 * v1_column3;
      sum4 += v0_row1 * v1_column0;
      sum5 += v0_row1 * v1_column1;
      sum6 += v0_row1 * v1_column2;
      sum7 += v0_row1 * v1_column3;
      sum8 += v0_row2 * v1_column0;
      sum9 += v0_row2 * v1_column1;
      sum10 += v0_row2 * v1_column2;
      sum11 += v0_row2 * v1_column3;
      sum12 += v0_row3 * v1_column0;
      sum13 += v0_row3 * v1_column1;
      sum14 += v0_row3 * v1_column2;
      sum15 += v0_row3 * v1_column3;
    }
    {
      let r2 = k + 2;
      let v0_row0 = b0[base9 + r2];
      let v0_row1 = b0[base10 + r2];
      let v0_row2 = b0[base11 + r2];
      let v0_row3 = b0[base12 + r2];
      let v1_column0 = b1[base13 + (r2 * 20)];
      let v1_column1 = b1[base14 + (r2 * 20)];
      let v1_column2 = b1[base15 + (r2 * 20)];
      let v1_column3 = b1[base16 + (r2 * 20)];
      sum0 += v0_row0 * v1_column0;
      sum1 += v0_row0 * v1_column1;
      sum2 += v0_row0 * v1_column2;
      sum3 += v0_row0 * v1_column3;
      sum4 += v0_row1 * v1_column0;
      sum5 += v0_row1 * v1_column1;
      sum6 += v0_row1 * v1_column2;
      sum7 += v0_row1 * v1_column3;
      sum8 += v0_row2 * v1_column0;
      sum9 += v0_row2 * v1_column1;
      sum10 += v0_row2 * v1_column2;
      sum11 += v0_row2 * v1_column3;
      sum12 += v0_row3 * v1_column0;
      sum13 += v0_row3 * v1_column1;
      sum14 += v0_row3 * v1_column2;
      sum15 += v0_row3 * v1_column3;
    }
  }
  if (team > tile) {
    return;
  }
  var sums = array<f32, 16>(sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7, sum8, sum9, sum10, sum11, sum12, sum13, sum14, sum15);
  for (var i: i32 = 0; i < 4; i += 1) {
    let row = first_row + i;
    let r0 = row;
    {
      let sum = sums[i * 4 + 0];
      let v5_column0 = select(sum, 0.0f, sum <= 0.0f);
      b2[at.a2 + (r0 * 20 + r1_column0)] = v5_column0;
    }
    {
      let sum = sums[i * 4 + 1];
      let v5_column1 = select(sum, 0.0f, sum <= 0.0f);
      b2[at.a2 + (r0 * 20 + r1_column1)] = v5_column1;
    }
    {
      let sum = sums[i * 4 + 2];
      let v5_column2 = select(sum, 0.0f, sum <= 0.0f);
      b2[at.a2 + (r0 * 20 + r1_column2)] = v5_column2;
    }
    {
      let sum = sums[i * 4 + 3];
      let v5_column3 = select(sum, 0.0f, sum <= 0.0f);
      b2[at.a2 + (r0 * 20 + r1_column3)] = v5_column3;
    }
  }
}

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 32u + id.x);
  if (group >= 32) {
    return;
  }
  part(group, thread);
}
