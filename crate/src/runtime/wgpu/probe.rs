//! What a device does with 16-bit floats and subgroups, tried when it is opened: drivers may round, flush and number
//! as they like. What is not as kernels need it is not used.

use super::check::Health;
use crate::{
    error::Error,
    graph::half,
    render::{Spelling, WGSL, WGSL_F16},
};

/// The language of kernels: with float16 where its conversions are ours, bit for bit.
pub fn lang(device: &wgpu::Device, queue: &wgpu::Queue, health: &Health) -> &'static Spelling {
    let has = device.features().contains(wgpu::Features::SHADER_F16);
    if has && converts(device, queue, health).unwrap_or(false) { &WGSL_F16 } else { &WGSL }
}

/// Invocations of a subgroup where all have as many, in the order of a workgroup's invocations; else 1.
pub fn lanes(device: &wgpu::Device, queue: &wgpu::Queue, health: &Health, info: &wgpu::AdapterInfo) -> usize {
    // Metal names no size; Apple's own GPUs have one.
    let promised = info.subgroup_min_size == info.subgroup_max_size || info.name.starts_with("Apple");
    if !promised || !device.features().contains(wgpu::Features::SUBGROUP) {
        return 1;
    }
    numbered(device, queue, health).filter(|lanes| lanes.is_power_of_two()).unwrap_or(1)
}

const THREADS: usize = 256;
const HALVES: usize = 1 << 16;
/// Low bits of floats: ends of a half and what lies around the middle between two.
const LOW_BITS: [u32; 5] = [0, 0x0fff, 0x1000, 0x1001, 0x3000];

fn converts(device: &wgpu::Device, queue: &wgpu::Queue, health: &Health) -> Option<bool> {
    let width = 1 + LOW_BITS.len();
    let mut body =
        format!("let at = number * {width}u;\n  out[at] = bitcast<u32>(from_f16(number & 65535u));\n");
    for (i, low) in LOW_BITS.iter().enumerate() {
        body += &format!(
            "  let x{i} = bitcast<f32>((number << 16u) | {low}u);\n  \
             let same{i} = is_nan(x{i}) || round_f16(x{i}) == from_f16(to_f16(x{i}));\n  \
             out[at + {i}u + 1u] = to_f16(x{i}) | select(1u << 16u, 0u, same{i});\n"
        );
    }
    let main = shader("", &body);
    let source = format!("{}{main}", (WGSL_F16.helpers)(&main));
    let out = run(device, queue, health, source, HALVES, HALVES * width)?;
    let same = |(number, got): (usize, &[u32])| {
        let nan = |bits: u16| bits & 0x7fff > 0x7c00;
        let wide = half::from_f16(number as u16);
        let back = LOW_BITS.iter().zip(&got[1..]).all(|(low, got)| {
            let want = half::to_f16(f32::from_bits(((number as u32) << 16) | low));
            *got == u32::from(want) || *got < 1 << 16 && nan(want) && nan(*got as u16)
        });
        let float = f32::from_bits(got[0]);
        (got[0] == wide.to_bits() || wide.is_nan() && float.is_nan()) && back
    };
    Some(out.chunks_exact(width).enumerate().all(same))
}

fn numbered(device: &wgpu::Device, queue: &wgpu::Queue, health: &Health) -> Option<usize> {
    let builtins = ", @builtin(subgroup_size) size: u32, @builtin(subgroup_invocation_id) lane: u32";
    let source = shader(builtins, "out[number] = (size << 16u) | lane;\n");
    let out = run(device, queue, health, source, 4 * THREADS, 4 * THREADS)?;
    let size = (out[0] >> 16) as usize;
    let own = |(i, got): (usize, &u32)| *got as usize == (size << 16) | (i % size);
    (size > 0 && out.iter().enumerate().all(own)).then_some(size)
}

fn shader(builtins: &str, body: &str) -> String {
    format!(
        "@group(0) @binding(0) var<storage, read_write> out: array<u32>;\n\n\
         @compute @workgroup_size({THREADS})\n\
         fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32{builtins}) {{\n  \
         let number = id.x * {THREADS}u + thread;\n  {body}}}\n"
    )
}

/// The words that the shader's invocations write; none where anything goes wrong.
fn run(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    health: &Health,
    source: String,
    invocations: usize,
    words: usize,
) -> Option<Vec<u32>> {
    let buffer = |usage| {
        let size = 4 * words as u64;
        device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
    };
    let build = || {
        let source = wgpu::ShaderSource::Wgsl(source.into());
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("playgrad probe"),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: Default::default(),
            cache: None,
        });
        let out = buffer(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
        let readable = buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: out.as_entire_binding() }],
        });
        let mut encoder = device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bindings, &[]);
        pass.dispatch_workgroups((invocations / THREADS) as u32, 1, 1);
        drop(pass);
        encoder.copy_buffer_to_buffer(&out, 0, &readable, 0, 4 * words as u64);
        queue.submit([encoder.finish()]);
        readable
    };
    let failed = || Error::device("probe", "an error", "words", "");
    let readable = health.checked(failed, device, build).ok()?;
    readable.map_async(wgpu::MapMode::Read, .., |_| {});
    device.poll(wgpu::PollType::wait_indefinitely()).ok()?;
    let view = readable.get_mapped_range(..).ok()?;
    let words = view.chunks_exact(4).map(|w| u32::from_le_bytes(w.try_into().expect("four bytes")));
    Some(words.collect())
}
