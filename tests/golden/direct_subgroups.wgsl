enable subgroups;
@group(0) @binding(1) var<storage, read> b0: array<f32>;
@group(0) @binding(2) var<storage, read> b1: array<f32>;
@group(0) @binding(3) var<storage, read> b2: array<f32>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
  a2: i32,
  a3: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;

// 4 neighbouring invocations, a team, compute 8 x 16 outputs straight from the buffers; each holds
// 4 of the columns. What the rows have in common for a team is loaded once and handed around.
fn part(group: i32, thread: u32) {
  let team = group * 1 + i32(thread) / 4;
  let lane = i32(thread) % 4;
  let tile = min(team, 48 - 1);
  let batch = tile / 48;
  let first_row = tile % 48 / 16 * 8;
  let first_column = tile % 16 * 16;
  let row0 = min(first_row + lane + 0, 19);
  let r1_row0 = row0;
  let base1 = at.a1 + (r1_row0 * 54);
  let row1 = min(first_row + lane + 4, 19);
  let r1_row1 = row1;
  let base2 = at.a1 + (r1_row1 * 54);
  let column0 = min(first_column + lane + 0, 255);
  let r0_column0 = (column0 >> 6u);
  let r2_column0 = ((column0 >> 3u) & 7);
  let r3_column0 = (column0 & 7);
  let base3 = at.a0 + (r0_column0 * 384 + r2_column0 * 8 + r3_column0 - 9);
  let column1 = min(first_column + lane + 4, 255);
  let r0_column1 = (column1 >> 6u);
  let r2_column1 = ((column1 >> 3u) & 7);
  let r3_column1 = (column1 & 7);
  let base4 = at.a0 + (r0_column1 * 384 + r2_column1 * 8 + r3_column1 - 9);
  let column2 = min(first_column + lane + 8, 255);
  let r0_column2 = (column2 >> 6u);
  let r2_column2 = ((column2 >> 3u) & 7);
  let r3_column2 = (column2 & 7);
  let base5 = at.a0 + (r0_column2 * 384 + r2_column2 * 8 + r3_column2 - 9);
  let column3 = min(first_column + lane + 12, 255);
  let r0_column3 = (column3 >> 6u);
  let r2_column3 = ((column3 >> 3u) & 7);
  let r3_column3 = (column3 & 7);
  let base6 = at.a0 + (r0_column3 * 384 + r2_column3 * 8 + r3_column3 - 9);
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
  for (var r5: i32 = 0; r5 < 3; r5 += 1) {
    for (var r6: i32 = 0; r6 < 3; r6 += 1) {
      let base7 = base1 + (r5 * 3 + r6);
      let base8 = base2 + (r5 * 3 + r6);
      let in9 = (u32((r2_column0 + r5 - 1)) < 8u) & (u32((r3_column0 + r6 - 1)) < 8u);
      let base10 = base3 + (r5 * 8 + r6);
      let in11 = (u32((r2_column1 + r5 - 1)) < 8u) & (u32((r3_column1 + r6 - 1)) < 8u);
      let base12 = base4 + (r5 * 8 + r6);
      let in13 = (u32((r2_column2 + r5 - 1)) < 8u) & (u32((r3_column2 + r6 - 1)) < 8u);
      let base14 = base5 + (r5 * 8 + r6);
      let in15 = (u32((r2_column3 + r5 - 1)) < 8u) & (u32((r3_column3 + r6 - 1)) < 8u);
      let base16 = base6 + (r5 * 8 + r6);
      for (var k: i32 = 0; k < 6; k += 3) {
        {
          let r4 = k + 0;
          let v1_row0 = b1[base7 + (r4 * 9)];
          let v1_row1 = b1[base8 + (r4 * 9)];
          let v0_column0 = select(0.0f, b0[select(0, base10 + (r4 * 64), in9)], in9);
          let v0_column1 = select(0.0f, b0[select(0, base12 + (r4 * 64), in11)], in11);
          let v0_column2 = select(0.0f, b0[select(0, base14 + (r4 * 64), in13)], in13);
          let v0_column3 = select(0.0f, b0[select(0, base16 + (r4 * 64), in15)], in15);
          let row_value0 = subgroupBroadcast(v1_row0, 0u);
          sum0 += row_value0 * v0_column0;
          sum1 += row_value0 * v0_column1;
          sum2 += row_value0 * v0_column2;
          sum3 += row_value0 * v0_column3;
          let row_value1 = subgroupBroadcast(v1_row0, 1u);
          sum4 += row_value1 * v0_column0;
          sum5 += row_value1 * v0_column1;
          sum6 += row_value1 * v0_column2;
          sum7 += row_value1 * v0_column3;
          let row_value2 = subgroupBroadcast(v1_row0, 2u);
          sum8 += row_value2 * v0_column0;
          sum9 += row_value2 * v0_column1;
          sum10 += row_value2 * v0_column2;
          sum11 += row_value2 * v0_column3;
          let row_value3 = subgroupBroadcast(v1_row0, 3u);
          sum12 += row_value3 * v0_column0;
          sum13 += row_value3 * v0_column1;
          sum14 += row_value3 * v0_column2;
          sum15 += row_value3 * v0_column3;
          let row_value4 = subgroupBroadcast(v1_row1, 0u);
          sum16 += row_value4 * v0_column0;
          sum17 += row_value4 * v0_column1;
          sum18 += row_value4 * v0_column2;
          sum19 += row_value4 * v0_column3;
          let row_value5 = subgroupBroadcast(v1_row1, 1u);
          sum20 += row_value5 * v0_column0;
          sum21 += row_value5 * v0_column1;
          sum22 += row_value5 * v0_column2;
          sum23 += row_value5 * v0_column3;
          let row_value6 = subgroupBroadcast(v1_row1, 2u);
          sum24 += row_value6 * v0_column0;
          sum25 += row_value6 * v0_column1;
          sum26 += row_value6 * v0_column2;
          sum27 += row_value6 * v0_column3;
          let row_value7 = subgroupBroadcast(v1_row1, 3u);
          sum28 += row_value7 * v0_column0;
          sum29 += row_value7 * v0_column1;
          sum30 += row_value7 * v0_column2;
          sum31 += row_value7 * v0_column3;
        }
        {
          let r4 = k + 1;
          let v1_row0 = b1[base7 + (r4 * 9)];
          let v1_row1 = b1[base8 + (r4 * 9)];
          let v0_column0 = select(0.0f, b0[select(0, base10 + (r4 * 64), in9)], in9);
          let v0_column1 = select(0.0f, b0[select(0, base12 + (r4 * 64), in11)], in11);
          let v0_column2 = select(0.0f, b0[select(0, base14 + (r4 * 64), in13)], in13);
          let v0_column3 = select(0.0f, b0[select(0, base16 + (r4 * 64), in15)], in15);
          let row_value0 = subgroupBroadcast(v1_row0, 0u);
          sum0 += row_value0 * v0_column0;
          sum1 += row_value0 * v0_column1;
          sum2 += row_value0 * v0_column2;
          sum3 += row_value0 * v0_column3;
          let row_value1 = subgroupBroadcast(v1_row0, 1u);
          sum4 += row_value1 * v0_column0;
          sum5 += row_value1 * v0_column1;
          sum6 += row_value1 * v0_column2;
          sum7 += row_value1 * v0_column3;
          let row_value2 = subgroupBroadcast(v1_row0, 2u);
          sum8 += row_value2 * v0_column0;
          sum9 += row_value2 * v0_column1;
          sum10 += row_value2 * v0_column2;
          sum11 += row_value2 * v0_column3;
          let row_value3 = subgroupBroadcast(v1_row0, 3u);
          sum12 += row_value3 * v0_column0;
          sum13 += row_value3 * v0_column1;
          sum14 += row_value3 * v0_column2;
          sum15 += row_value3 * v0_column3;
          let row_value4 = subgroupBroadcast(v1_row1, 0u);
          sum16 += row_value4 * v0_column0;
          sum17 += row_value4 * v0_column1;
          sum18 += row_value4 * v0_column2;
          sum19 += row_value4 * v0_column3;
          let row_value5 = subgroupBroadcast(v1_row1, 1u);
          sum20 += row_value5 * v0_column0;
          sum21 += row_value5 * v0_column1;
          sum22 += row_value5 * v0_column2;
          sum23 += row_value5 * v0_column3;
          let row_value6 = subgroupBroadcast(v1_row1, 2u);
          sum24 += row_value6 * v0_column0;
          sum25 += row_value6 * v0_column1;
          sum26 += row_value6 * v0_column2;
          sum27 += row_value6 * v0_column3;
          let row_value7 = subgroupBroadcast(v1_row1, 3u);
          sum28 += row_value7 * v0_column0;
          sum29 += row_value7 * v0_column1;
          sum30 += row_value7 * v0_column2;
          sum31 += row_value7 * v0_column3;
        }
        {
          let r4 = k + 2;
          let v1_row0 = b1[base7 + (r4 * 9)];
          let v1_row1 = b1[base8 + (r4 * 9)];
          let v0_column0 = select(0.0f, b0[select(0, base10 + (r4 * 64), in9)], in9);
          let v0_column1 = select(0.0f, b0[select(0, base12 + (r4 * 64), in11)], in11);
          let v0_column2 = select(0.0f, b0[select(0, base14 + (r4 * 64), in13)], in13);
          let v0_column3 = select(0.0f, b0[select(0, base16 + (r4 * 64), in15)], in15);
          let row_value0 = subgroupBroadcast(v1_row0, 0u);
          sum0 += row_value0 * v0_column0;
          sum1 += row_value0 * v0_column1;
          sum2 += row_value0 * v0_column2;
          sum3 += row_value0 * v0_column3;
          let row_value1 = subgroupBroadcast(v1_row0, 1u);
          sum4 += row_value1 * v0_column0;
          sum5 += row_value1 * v0_column1;
          sum6 += row_value1 * v0_column2;
          sum7 += row_value1 * v0_column3;
          let row_value2 = subgroupBroadcast(v1_row0, 2u);
          sum8 += row_value2 * v0_column0;
          sum9 += row_value2 * v0_column1;
          sum10 += row_value2 * v0_column2;
          sum11 += row_value2 * v0_column3;
          let row_value3 = subgroupBroadcast(v1_row0, 3u);
          sum12 += row_value3 * v0_column0;
          sum13 += row_value3 * v0_column1;
          sum14 += row_value3 * v0_column2;
          sum15 += row_value3 * v0_column3;
          let row_value4 = subgroupBroadcast(v1_row1, 0u);
          sum16 += row_value4 * v0_column0;
          sum17 += row_value4 * v0_column1;
          sum18 += row_value4 * v0_column2;
          sum19 += row_value4 * v0_column3;
          let row_value5 = subgroupBroadcast(v1_row1, 1u);
          sum20 += row_value5 * v0_column0;
          sum21 += row_value5 * v0_column1;
          sum22 += row_value5 * v0_column2;
          sum23 += row_value5 * v0_column3;
          let row_value6 = subgroupBroadcast(v1_row1, 2u);
          sum24 += row_value6 * v0_column0;
          sum25 += row_value6 * v0_column1;
          sum26 += row_value6 * v0_column2;
          sum27 += row_value6 * v0_column3;
          let row_value7 = subgroupBroadcast(v1_row1, 3u);
          sum28 += row_value7 * v0_column0;
          sum29 += row_value7 * v0_column1;
          sum30 += row_value7 * v0_column2;
          sum31 += row_value7 * v0_column3;
        }
      }
    }
  }
  if (team > tile) {
    return;
  }
  var sums = array<f32, 32>(sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7, sum8, sum9, sum10, sum11, sum12, sum13, sum14, sum15, sum16, sum17, sum18, sum19, sum20, sum21, sum22, sum23, sum24, sum25, sum26, sum27, sum28, sum29, sum30, sum31);
  let base17 = at.a2 + 0;
  let base18 = at.a2 + 0;
  let base19 = at.a2 + 0;
  let base20 = at.a2 + 0;
  for (var i: i32 = 0; i < min(8, 20 - first_row); i += 1) {
    let row = first_row + i;
    let r1 = row;
    {
      let sum = sums[i * 4 + 0];
      let v4_column0 = b2[base17 + r1];
      let v5_column0 = (sum + v4_column0);
      b3[at.a3 + (r0_column0 * 1280 + r1 * 64 + r2_column0 * 8 + r3_column0)] = v5_column0;
    }
    {
      let sum = sums[i * 4 + 1];
      let v4_column1 = b2[base18 + r1];
      let v5_column1 = (sum + v4_column1);
      b3[at.a3 + (r0_column1 * 1280 + r1 * 64 + r2_column1 * 8 + r3_column1)] = v5_column1;
    }
    {
      let sum = sums[i * 4 + 2];
      let v4_column2 = b2[base19 + r1];
      let v5_column2 = (sum + v4_column2);
      b3[at.a3 + (r0_column2 * 1280 + r1 * 64 + r2_column2 * 8 + r3_column2)] = v5_column2;
    }
    {
      let sum = sums[i * 4 + 3];
      let v4_column3 = b2[base20 + r1];
      let v5_column3 = (sum + v4_column3);
      b3[at.a3 + (r0_column3 * 1280 + r1 * 64 + r2_column3 * 8 + r3_column3)] = v5_column3;
    }
  }
}

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 48u + id.x);
  if (group >= 48) {
    return;
  }
  part(group, thread);
}
