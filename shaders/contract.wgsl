{{buffers}}
// Where each argument starts, in elements.
struct Offsets {
{{offsets}}}
@group(0) @binding(0) var<uniform> at: Offsets;

// A workgroup computes {{block_m}} x {{block_n}} outputs, {{block_k}} terms at a time, an invocation
// {{thread_m}} x {{thread_n}} of them. A vector of a tile holds four neighbouring rows (or columns).
var<workgroup> tile_a: array<vec4<{{type}}>, {{size_a}}>;
var<workgroup> tile_b: array<vec4<{{type}}>, {{size_b}}>;

fn load_a(batch: i32, m: i32, k: i32) -> {{type}} {
{{load_a}}}

fn load_b(batch: i32, n: i32, k: i32) -> {{type}} {
{{load_b}}}

fn store(batch: i32, m: i32, n: i32, sum: {{type}}) {
  if (m >= {{m}} || n >= {{n}}) {
    return;
  }
{{store}}}

fn four_a(batch: i32, m: i32, k: i32) -> vec4<{{type}}> {
  var four = vec4<{{type}}>();
  if (k < {{k}}) {
    if (m < {{m}}) { four.x = load_a(batch, m, k); }
    if (m + 1 < {{m}}) { four.y = load_a(batch, m + 1, k); }
    if (m + 2 < {{m}}) { four.z = load_a(batch, m + 2, k); }
    if (m + 3 < {{m}}) { four.w = load_a(batch, m + 3, k); }
  }
  return four;
}

fn four_b(batch: i32, n: i32, k: i32) -> vec4<{{type}}> {
  var four = vec4<{{type}}>();
  if (k < {{k}}) {
    if (n < {{n}}) { four.x = load_b(batch, n, k); }
    if (n + 1 < {{n}}) { four.y = load_b(batch, n + 1, k); }
    if (n + 2 < {{n}}) { four.z = load_b(batch, n + 2, k); }
    if (n + 3 < {{n}}) { four.w = load_b(batch, n + 3, k); }
  }
  return four;
}

@compute @workgroup_size({{threads}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread_index: u32) {
  let tile = i32(group.y * {{groups_x}}u + group.x);
  if (tile >= {{tiles}}) {
    return;
  }
  let thread = i32(thread_index);
  let batch = tile / {{tiles_mn}};
  let first_m = tile % {{tiles_mn}} / {{tiles_n}} * {{block_m}};
  let first_n = tile % {{tiles_n}} * {{block_n}};
  let my_m = thread / {{threads_n}} * {{vectors_m}};
  let my_n = thread % {{threads_n}} * {{vectors_n}};
{{clear}}  for (var first_k = 0; first_k < {{k}}; first_k += {{block_k}}) {
    for (var i = thread; i < {{count_a}}; i += {{threads}}) {
      let m = {{a_m}};
      let k = {{a_k}};
      tile_a[k * {{stride_a}} + m] = four_a(batch, first_m + m * 4, first_k + k);
    }
    for (var i = thread; i < {{count_b}}; i += {{threads}}) {
      let n = {{b_n}};
      let k = {{b_k}};
      tile_b[k * {{stride_b}} + n] = four_b(batch, first_n + n * 4, first_k + k);
    }
    workgroupBarrier();
    for (var k = 0; k < {{block_k}}; k += 1) {
{{multiply}}    }
    workgroupBarrier();
  }
{{finish}}}
