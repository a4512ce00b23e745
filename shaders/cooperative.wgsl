// A workgroup computes {{block}} x {{block}} outputs, {{block_k}} terms at a time, each of its four subgroups a quarter, by matrices
// of {{size}} x {{size}}. Neighbours in a tile are rows of the first factor, columns of the second.
var<workgroup> {{prefix}}tile_a: array<{{element}}, {{size_tile}}>;
var<workgroup> {{prefix}}tile_b: array<{{element}}, {{size_tile}}>;
var<workgroup> {{prefix}}outputs: array<f32, {{size_outputs}}>;

// Rows m .. m + 3 of the first factor, columns n .. n + 3 of the second; zero outside.
fn {{prefix}}four_a(batch: i32, m: i32, k: i32) -> vec4<f32> {
  var four = vec4<f32>();
{{four_a}}  return four;
}

fn {{prefix}}four_b(batch: i32, n: i32, k: i32) -> vec4<f32> {
  var four = vec4<f32>();
{{four_b}}  return four;
}

fn {{prefix}}store_four(batch: i32, m: i32, n: i32, sums: vec4<f32>) {
{{store}}}

{{helpers}}fn {{prefix}}part(tile: i32, thread_index: u32) {
  let thread = i32(thread_index);
  let batch = tile / {{tiles_mn}};
  let first_m = tile % {{tiles_mn}} / {{tiles_n}} * {{block}};
  let first_n = tile % {{tiles_n}} * {{block}};
  let team = thread / {{lanes}};
  let lane = thread % {{lanes}};
  let my_m = team / 2 * {{half_block}};
  let my_n = team % 2 * {{half_block}};
{{clear}}  for (var first_k = 0; first_k < {{k}}; first_k += {{block_k}}) {
    for (var at = thread; at < {{loads}}; at += {{threads}}) {
      let side = at % {{vectors}} * 4;
      let k = at / {{vectors}};
      let a = {{prefix}}four_a(batch, first_m + side, first_k + k);
      let b = {{prefix}}four_b(batch, first_n + side, first_k + k);
      for (var i = 0; i < 4; i += 1) {
        {{prefix}}tile_a[k * {{stride}} + side + i] = {{element}}(a[i]);
        {{prefix}}tile_b[k * {{stride}} + side + i] = {{element}}(b[i]);
      }
    }
    workgroupBarrier();
    for (var k = 0; k < {{block_k}}; k += {{size}}) {
{{multiply}}    }
    workgroupBarrier();
  }
{{finish}}}
