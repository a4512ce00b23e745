//! One committed text per kind of kernel and language: WGSL, accepted by naga and, where it is installed, tint, and
//! translated to MSL and SPIR-V; CUDA C++, which `tests/cuda.rs` compiles. `UPDATE_GOLDEN=1 cargo test --test golden`
//! writes the files anew.

use playgrad::{
    DType, Error, Tensor,
    kernel::{Arg, Kernel, split},
    render::{
        Bindings, CUDA, CUDA_TF32, MATRICES, Matrices, Target, WGSL, WGSL_F16, dispatches, parts, render,
    },
    runtime::{
        self, BufferId, Bundle, Counters, Device, Launch, Limits, Program, ReadFuture, Region, null::Null,
    },
};
use std::{cell::RefCell, fs, future::Future, path::PathBuf, pin::Pin, process::Command, rc::Rc};

const GPU: Target = Target { lang: &WGSL, emulated: false, lanes: 1, matrices: None };
const NVIDIA: Target = Target { lang: &CUDA, ..GPU };
const SUBGROUPS: Target = Target { lanes: 32, ..GPU };
const WITH_F16: Target = Target { lang: &WGSL_F16, ..GPU };
const EMULATED: Target = Target { emulated: true, ..GPU };
const EMULATED_WITH_SUBGROUPS: Target = Target { lanes: 4, ..EMULATED };
const WITH_MATRICES: Target = Target {
    lang: &WGSL_F16,
    matrices: Some(Matrices { halves: 16, floats: 8, spelling: &MATRICES }),
    ..SUBGROUPS
};

/// A null device that keeps the bundles it is given.
#[derive(Default)]
struct Recorder {
    null: Null,
    elements: bool,
    bundles: RefCell<Vec<Bundle>>,
}

impl Device for Recorder {
    fn name(&self) -> &'static str {
        self.null.name()
    }
    fn description(&self) -> String {
        self.null.description()
    }
    fn limits(&self) -> Limits {
        self.null.limits()
    }
    fn counters(&self) -> Counters {
        self.null.counters()
    }
    fn alloc(&self, bytes: usize) -> Result<BufferId, Error> {
        self.null.alloc(bytes)
    }
    fn free(&self, buffer: BufferId) {
        self.null.free(buffer);
    }
    fn write(&self, to: Region, bytes: &[u8]) -> Result<(), Error> {
        self.null.write(to, bytes)
    }
    fn read(&self, from: Region) -> ReadFuture {
        self.null.read(from)
    }
    fn compile(&self, bundle: &Bundle) -> Result<Program, Error> {
        self.bundles.borrow_mut().push(bundle.clone());
        self.null.compile(bundle)
    }
    fn submit(&self, plan: u64, launches: &[Launch]) -> Result<(), Error> {
        self.null.submit(plan, launches)
    }
    fn packed(&self) -> bool {
        !self.elements
    }
    fn idle(&self) -> Pin<Box<dyn Future<Output = Result<(), Error>>>> {
        self.null.idle()
    }
}

fn bundles(of: impl FnOnce() -> Result<Vec<Tensor>, Error>) -> Vec<Bundle> {
    recorded(Recorder::default(), of)
}

/// What a device gets that writes elements of any size.
fn cuda_kernels(of: impl FnOnce() -> Result<Tensor, Error>) -> Vec<Rc<Kernel>> {
    let recorder = Recorder { elements: true, ..Recorder::default() };
    recorded(recorder, || Ok(vec![of()?])).into_iter().flat_map(|b| b.kernels).collect()
}

fn recorded(recorder: Recorder, of: impl FnOnce() -> Result<Vec<Tensor>, Error>) -> Vec<Bundle> {
    let recorder = Rc::new(recorder);
    runtime::register("null", Ok(recorder.clone()));
    runtime::set_default("null").unwrap();
    playgrad::tensor::realize_all(&of().unwrap()).unwrap();
    recorder.bundles.take()
}

fn kernels(of: impl FnOnce() -> Result<Tensor, Error>) -> Vec<Rc<Kernel>> {
    bundles(|| Ok(vec![of()?])).into_iter().flat_map(|b| b.kernels).collect()
}

/// `bindings` says where the arguments of the only kernel are bound; empty for one binding each.
fn golden(name: &str, bindings: &[usize], of: impl FnOnce() -> Result<Tensor, Error>) {
    golden_for(name, bindings, GPU, of);
}

fn golden_for(name: &str, bindings: &[usize], target: Target, of: impl FnOnce() -> Result<Tensor, Error>) {
    let kernels = kernels(of);
    let [kernel] = &kernels[..] else { panic!("{name}: {} kernels", kernels.len()) };
    same_text(name, kernel, bindings, target);
}

fn same_text(name: &str, kernel: &Kernel, bindings: &[usize], target: Target) {
    let each: Vec<usize> = (0..kernel.args.len()).collect();
    let slots = if bindings.is_empty() { &each[..] } else { bindings };
    same_wgsl(name, &render(kernel, slots, target).source);
    if !target.emulated && target.lanes == 1 && !target.lang.halves {
        same_file(&format!("{name}.cu"), &render(kernel, slots, NVIDIA).source);
    }
}

fn same_wgsl(name: &str, source: &str) {
    // Browsers want the line that naga does not know.
    let enable = if source.contains("subgroup") { "enable subgroups;\n" } else { "" };
    accepted_by_naga(name, source);
    let path = same_file(&format!("{name}.wgsl"), &format!("{enable}{source}"));
    if !source.contains("coop_mat") {
        accepted_by_tint(name, &path);
    }
}

fn same_file(name: &str, got: &str) -> PathBuf {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/golden", name].iter().collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, got).unwrap();
    }
    let want = fs::read_to_string(&path).unwrap_or_default();
    assert!(*got == want, "{name}: the kernel changed; UPDATE_GOLDEN=1 rewrites {}\n{got}", path.display());
    path
}

const CAPABILITIES: naga::valid::Capabilities = naga::valid::Capabilities::SUBGROUP
    .union(naga::valid::Capabilities::SHADER_FLOAT16)
    .union(naga::valid::Capabilities::SHADER_FLOAT16_IN_FLOAT32)
    .union(naga::valid::Capabilities::COOPERATIVE_MATRIX);

fn accepted_by_naga(name: &str, source: &str) {
    use naga::{back, valid};
    let module = naga::front::wgsl::parse_str(source)
        .unwrap_or_else(|e| panic!("{name}: {}\n{source}", e.emit_to_string(source)));
    let info = valid::Validator::new(valid::ValidationFlags::all(), CAPABILITIES)
        .validate(&module)
        .unwrap_or_else(|e| panic!("{name}: {}\n{source}", e.emit_to_string(source)));
    let options = back::spv::Options { lang_version: (1, 3), ..Default::default() };
    let spirv = back::spv::write_vec(&module, &info, &options, None).unwrap();
    assert!(!spirv.is_empty());
    let version = if source.contains("coop_mat") { (2, 3) } else { (2, 1) };
    let options =
        back::msl::Options { fake_missing_bindings: true, lang_version: version, ..Default::default() };
    let (metal, _) =
        back::msl::write_string(&module, &info, &options, &back::msl::PipelineOptions::default()).unwrap();
    assert!(metal.contains("kernel void"), "{metal}");
}

fn accepted_by_tint(name: &str, path: &PathBuf) {
    match Command::new("tint").arg("--format").arg("wgsl").arg(path).output() {
        Ok(out) => assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr)),
        Err(_) => println!("tint skipped: it is not installed"),
    }
}

fn floats(shape: &[usize]) -> Tensor {
    Tensor::from_slice(&vec![0.5f32; shape.iter().product()], shape).unwrap()
}

#[test]
fn map() {
    golden("map", &[], || floats(&[40, 30]).mul(2.0)?.add(floats(&[30]))?.relu());
}

#[test]
fn map_with_shared_buffers() {
    golden("map_shared", &[0, 0, 0], || floats(&[100]).add(floats(&[100]).sin()?));
}

#[test]
fn map_of_bytes() {
    golden("map_bytes", &[], || floats(&[50]).gt(Tensor::from_slice(&[3u8; 50], &[50])?));
}

#[test]
fn map_of_halves() {
    golden("map_halves", &[], || {
        floats(&[51]).cast(DType::F16)?.mul(floats(&[51]).cast(DType::BF16)?.cast(DType::F16)?)
    });
}

#[test]
fn map_of_halves_that_the_device_converts() {
    golden_for("map_halves_f16", &[], WITH_F16, || {
        floats(&[51]).cast(DType::F16)?.mul(floats(&[51]).cast(DType::BF16)?.cast(DType::F16)?)
    });
}

#[test]
fn map_of_small_integers() {
    golden("map_int8", &[], || floats(&[51]).cast(DType::I8)?.mul(Tensor::from_slice(&[3i8; 51], &[51])?));
}

#[test]
fn map_with_masks_and_gather() {
    golden("map_gather", &[], || {
        let rows = Tensor::from_slice(&[2, 0, 7], &[3])?;
        floats(&[5, 4]).index(&rows)?.pad(&[(1, 0), (0, 2)], 0)
    });
}

#[test]
fn map_of_integers() {
    golden("map_integers", &[], || {
        let x = Tensor::from_slice(&[7i32; 20], &[20])?;
        x.rem(Tensor::from_slice(&[2i32; 20], &[20])?)?.add(x.cast(playgrad::DType::F32)?.mul(1.5)?.int()?)
    });
}

#[test]
fn reduce_by_one_invocation_per_row() {
    golden("reduce", &[], || floats(&[6, 70_000]).sum([0], false)?.sqrt());
}

#[test]
fn reduce_by_lanes() {
    golden("reduce_lanes", &[], || floats(&[100, 784]).max([1], false));
}

#[test]
fn reduce_by_subgroups() {
    golden_for("reduce_subgroups", &[], SUBGROUPS, || floats(&[100, 784]).max([1], false));
}

#[test]
fn softmax_rows() {
    golden("softmax", &[], || floats(&[128, 100]).softmax(1));
}

#[test]
fn a_selective_scan() {
    golden("scan", &[], || {
        let (delta, a) = (floats(&[2, 40, 3, 1]), floats(&[3, 4]));
        let (u, b) = (floats(&[2, 40, 3, 1]), floats(&[2, 40, 1, 4]));
        Tensor::scan(&delta.mul(&a)?.exp()?, &delta.mul(&u)?.mul(&b)?, 1, false)
    });
}

#[test]
fn a_scan_from_the_end_in_few_turns() {
    golden_for("scan_emulated", &[], EMULATED, || {
        Tensor::scan(&floats(&[3, 20_000]), &floats(&[3, 20_000]), 1, true)?.relu()
    });
}

#[test]
fn contract_with_epilogue() {
    golden("contract", &[], || floats(&[128, 784]).matmul(&floats(&[784, 128]))?.add(floats(&[128]))?.relu());
}

/// The only kernel of CUDA's for this, which other devices have no like of.
fn golden_cuda(name: &str, target: Target, of: impl FnOnce() -> Result<Tensor, Error>) {
    let kernels = cuda_kernels(of);
    let [kernel] = &kernels[..] else { panic!("{name}: {} kernels", kernels.len()) };
    same_file(&format!("{name}.cu"), &render(kernel, &[], target).source);
}

#[test]
fn contract_on_tensor_cores() {
    let half = |shape: &[usize], dtype| {
        Tensor::from_bytes(vec![0; 2 * shape.iter().product::<usize>()], shape, dtype)
    };
    golden_cuda("mma_f16", NVIDIA, || {
        half(&[200, 512], DType::F16)?.t().float()?.matmul(&half(&[200, 320], DType::F16)?.float()?)?.relu()
    });
    golden_cuda("mma_bf16", NVIDIA, || {
        half(&[512, 200], DType::BF16)?.matmul(&half(&[200, 300], DType::BF16)?)
    });
    let tf32 = Target { lang: &CUDA_TF32, ..GPU };
    golden_cuda("mma_tf32", tf32, || floats(&[100, 64]).matmul(&floats(&[200, 64]).t()));
}

#[test]
fn rows_kept_in_registers() {
    golden_cuda("softmax_kept", NVIDIA, || {
        Tensor::from_bytes(vec![0; 2 * 128 * 2048], &[128, 2048], DType::F16)?.softmax(1)
    });
}

#[test]
fn contract_by_cooperative_matrices() {
    let half = |shape: &[usize]| {
        Tensor::from_bytes(vec![0; 2 * shape.iter().product::<usize>()], shape, DType::F16)?.float()
    };
    golden_for("cooperative_f16", &[], WITH_MATRICES, || {
        half(&[512, 200])?.matmul(&half(&[200, 300])?)?.relu()
    });
    golden_for("cooperative_f32", &[], WITH_MATRICES, || floats(&[130, 64]).matmul(&floats(&[64, 64])));
}

#[test]
fn contract_of_a_convolution() {
    golden("contract_conv", &[], || {
        floats(&[8, 3, 20, 20]).conv2d(&floats(&[32, 3, 5, 5]), None, Default::default())?.relu()
    });
}

#[test]
fn contract_without_workgroup_memory() {
    golden_for("direct", &[], EMULATED, || floats(&[100, 30]).matmul(&floats(&[30, 20]))?.relu());
}

#[test]
fn contract_by_subgroups() {
    golden_for("direct_subgroups", &[], EMULATED_WITH_SUBGROUPS, || {
        let padded = playgrad::tensor::Conv2dOptions { padding: vec![1], ..Default::default() };
        floats(&[4, 6, 8, 8]).conv2d(&floats(&[20, 6, 3, 3]), Some(&floats(&[20])), padded)
    });
}

#[test]
fn reduce_without_barriers() {
    golden_for("reduce_emulated", &[], EMULATED, || floats(&[128, 100]).softmax(1));
}

#[test]
fn a_long_sum_in_parts() {
    let kernels = kernels(|| floats(&[32, 20_000]).matmul(&floats(&[20_000, 40]))?.relu());
    let wanted = parts(&kernels[0], GPU);
    assert!(wanted > 1, "{} is not cut", kernels[0].name);
    let cut = split(&kernels[0], wanted).unwrap();
    assert_eq!(cut.parts.rows(), cut.scratch[0] / 4);
    same_text("parts", &cut.parts, &[], GPU);
    same_text("whole", &cut.whole, &[], GPU);
}

/// The only dispatch of the only launch, all arguments in one buffer.
fn golden_bundle(name: &str, ordered: bool, of: impl FnOnce() -> Result<Vec<Tensor>, Error>) {
    let bundles = bundles(of);
    let [bundle] = &bundles[..] else { panic!("{name}: {} launches", bundles.len()) };
    assert_eq!(bundle.ordered, ordered);
    assert!(bundle.kernels.len() > 1, "{name}: one kernel");
    let args: Vec<Arg> = bundle.kernels.iter().flat_map(|k| k.args.iter().copied()).collect();
    let bindings = Bindings { args: &args, slots: &vec![0; args.len()] };
    let source = |target| {
        let all = dispatches(bundle, target);
        let [dispatch] = &all[..] else { panic!("{name}: {} dispatches", all.len()) };
        dispatch.render(bindings, target).source
    };
    same_wgsl(name, &source(GPU));
    same_file(&format!("{name}.cu"), &source(NVIDIA));
}

#[test]
fn a_chain_of_tiny_kernels() {
    golden_bundle("chain", true, || {
        let probabilities = floats(&[4, 3]).matmul(&floats(&[3, 5]))?.softmax(1)?;
        Ok(vec![probabilities.sum(0, false)?, probabilities])
    });
}

#[test]
fn independent_kernels_side_by_side() {
    golden_bundle("side_by_side", false, || {
        let gradient = floats(&[64, 128]);
        Ok(vec![gradient.sum(1, false)?, gradient.matmul(&floats(&[128, 64]))?])
    });
}
