// A workgroup computes {{block_m}} x {{block_n}} outputs, {{block_k}} terms at a time, an invocation
// {{thread_m}} x {{thread_n}} of them. A vector of a tile holds four neighbouring rows (or columns).
var<workgroup> {{prefix}}tile_a: array<vec4<{{type}}>, {{size_a}}>;
var<workgroup> {{prefix}}tile_b: array<vec4<{{type}}>, {{size_b}}>;

// Rows m .. m + 3 of the first factor, columns n .. n + 3 of the second; zero outside.
fn {{prefix}}four_a(batch: i32, m: i32, k: i32) -> vec4<{{type}}> {
  var four = vec4<{{type}}>();
{{four_a}}  return four;
}

fn {{prefix}}four_b(batch: i32, n: i32, k: i32) -> vec4<{{type}}> {
  var four = vec4<{{type}}>();
{{four_b}}  return four;
}

fn {{prefix}}store_four(batch: i32, m: i32, n: i32, sums: vec4<{{type}}>) {
{{store}}}

fn {{prefix}}part(tile: i32, thread_index: u32) {
  let thread = i32(thread_index);
  let batch = tile / {{tiles_mn}};
  let first_m = tile % {{tiles_mn}} / {{tiles_n}} * {{block_m}};
  let first_n = tile % {{tiles_n}} * {{block_n}};
  let my_m = {{my_m}} * {{vectors_m}};
  let my_n = {{my_n}} * {{vectors_n}};
{{places}}{{clear}}  for (var first_k = 0; first_k < {{k}}; first_k += {{block_k}}) {
{{load}}    workgroupBarrier();
    for (var k = 0; k < {{block_k}}; k += 1) {
{{multiply}}    }
    workgroupBarrier();
  }
{{finish}}}
