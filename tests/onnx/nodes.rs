//! Folders of tests, each a model, its inputs and its outputs (tests/onnx/run.py says where from):
//! `PLAYGRAD_ONNX_TESTS` names the node tests of the `onnx` Python package, compared with its tolerances;
//! `PLAYGRAD_ONNX_MODELS` whole models.

use playgrad::{
    DType, Tensor,
    io::onnx::{
        self, Model,
        proto::{ModelProto, TensorProto},
    },
    runtime,
    tensor::block_on,
};
use prost::Message;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

/// Relative and absolute.
type Tolerance = (f64, f64);
const NODES: Tolerance = (1e-3, 1e-7);
const MODELS: Tolerance = (1e-4, 1e-4);

#[derive(Default)]
struct Count {
    passed: usize,
    failed: Vec<String>,
    /// Tests of dtypes and types we have not: float8, int16, strings, sequences.
    types: usize,
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = read.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn numbered(folder: &Path, what: &str) -> Vec<Vec<u8>> {
    let file = |i: usize| fs::read(folder.join(format!("{what}_{i}.pb"))).ok();
    (0..).map_while(file).collect()
}

/// Whether all inputs and outputs are tensors of dtypes there are, and so are the dtypes cast to.
fn ours(model: &ModelProto) -> bool {
    let known = |code: i64| [1, 2, 3, 6, 7, 9, 10, 11, 12, 16].contains(&code);
    let graph = model.graph.as_ref().expect("a graph");
    let tensor = |info: &onnx::proto::ValueInfo| {
        let own = info.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
        own.is_some_and(|t| known(t.elem_type.into()))
    };
    let casts = graph.node.iter().filter(|n| n.op_type == "Cast").flat_map(|n| &n.attribute);
    graph.input.iter().chain(&graph.output).all(tensor)
        && casts.filter(|a| a.name == "to").all(|a| known(a.i.unwrap_or(0)))
}

fn check(got: &Tensor, expected: &Tensor, (rtol, atol): Tolerance) -> Result<(), String> {
    let device = runtime::default_device().expect("a device was chosen");
    let stands = |d| match d {
        DType::I64 if !device.holds(d) => DType::I32,
        DType::F64 if !device.holds(d) => DType::F32,
        d => d,
    };
    if got.shape() != expected.shape() || got.dtype() != stands(expected.dtype()) {
        return Err(format!("{got:?} where {expected:?} is expected"));
    }
    let (a, b) = (block_on(got.data()).map_err(|e| e.to_string())?, block_on(expected.data()).expect("data"));
    for i in 0..a.len() {
        let (x, y) = (a.get(i), b.get(i));
        let close = x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= atol + rtol * y.abs();
        if !close {
            return Err(format!("element {i} is {x}, expected {y}"));
        }
    }
    Ok(())
}

/// The files hold bfloat16 by its bits, as uint16.
fn tensors(set: &Path, what: &str, ports: &[onnx::Port]) -> Result<Vec<Tensor>, String> {
    let load = |(bytes, port): (Vec<u8>, &onnx::Port)| {
        let mut t = TensorProto::decode(&bytes[..]).map_err(|e| e.to_string())?;
        if t.data_type == 4 && port.dtype == DType::BF16 {
            t.data_type = 16;
        }
        onnx::load_tensor(&t.encode_to_vec()).map(|(_, t)| t).map_err(|e| e.to_string())
    };
    numbered(set, what).into_iter().zip(ports).map(load).collect()
}

fn run(folder: &Path, bytes: &[u8], tolerance: Tolerance) -> Result<(), String> {
    let model = Model::load(bytes).map_err(|e| e.to_string())?;
    for set in entries(folder).iter().filter(|p| p.is_dir()) {
        let given = tensors(set, "input", model.inputs())?;
        let expected = tensors(set, "output", model.outputs())?;
        let names = model.inputs().iter().map(|p| p.name.as_str());
        let inputs: Vec<(&str, &Tensor)> = names.zip(&given).collect();
        let results = model.run(&inputs).map_err(|e| e.to_string())?;
        if results.len() != expected.len() || expected.is_empty() {
            return Err(format!("{} outputs where {} are expected", results.len(), expected.len()));
        }
        results.iter().zip(&expected).try_for_each(|(got, expected)| check(got, expected, tolerance))?;
    }
    Ok(())
}

/// The folder a variable names, on the device another one chooses.
fn root(variable: &str) -> Option<PathBuf> {
    runtime::set_default(&std::env::var("PLAYGRAD_DEVICE").unwrap_or("cpu".into())).expect("a device");
    let root = std::env::var(variable).ok();
    if root.is_none() {
        println!("skipped: {variable} names no folder of tests (tests/onnx/run.py)");
    }
    root.map(PathBuf::from)
}

#[test]
fn whole_models_agree_with_onnxruntime() {
    let Some(root) = root("PLAYGRAD_ONNX_MODELS") else { return };
    let folders = entries(&root);
    for folder in &folders {
        let bytes = fs::read(folder.join("model.onnx")).expect("a model");
        let result = run(folder, &bytes, MODELS);
        println!("{}: {result:?}", folder.display());
        assert_eq!(result, Ok(()), "{}", folder.display());
    }
    assert!(!folders.is_empty());
}

#[test]
fn the_onnx_packages_node_tests_pass() {
    let Some(root) = root("PLAYGRAD_ONNX_TESTS") else { return };
    let only = std::env::var("PLAYGRAD_ONNX_ONLY").unwrap_or_default();
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let mut unclaimed = 0;
    for folder in entries(&root).iter().filter(|p| p.join("model.onnx").is_file()) {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = fs::read(folder.join("model.onnx")).expect("a model");
        let mut model = ModelProto::decode(&bytes[..]).expect("a model");
        // Tests of what never changed since are of opset 1.
        model.opset_import.iter_mut().for_each(|o| o.version = o.version.max(7));
        let bytes = model.encode_to_vec();
        let opset = model.opset_import.iter().find(|o| o.domain.is_empty()).map_or(0, |o| o.version);
        let nodes = &model.graph.as_ref().expect("a graph").node;
        let claimed = |n: &onnx::proto::NodeProto| {
            let fits = |(op, first, last)| op == n.op_type && (first..=last).contains(&opset);
            n.domain.is_empty() && onnx::operators().any(fits)
        };
        if !name.contains(&only) || !nodes.iter().all(claimed) {
            unclaimed += 1;
            continue;
        }
        let key = if let [one] = &nodes[..] { one.op_type.clone() } else { "several operators".into() };
        let count = counts.entry(key).or_default();
        if !ours(&model) {
            count.types += 1;
            continue;
        }
        let result = catch_unwind(AssertUnwindSafe(|| run(folder, &bytes, NODES)));
        match result.unwrap_or_else(|_| Err("panicked".into())) {
            Ok(()) => count.passed += 1,
            Err(e) => count.failed.push(format!("{name}: {e}")),
        }
    }
    let total = |f: fn(&Count) -> usize| counts.values().map(f).sum::<usize>();
    for (op, count) in &counts {
        let types = if count.types > 0 { format!(", {} of other types", count.types) } else { String::new() };
        println!("{op}: {}/{}{types}", count.passed, count.passed + count.failed.len());
    }
    counts.values().flat_map(|c| &c.failed).for_each(|line| println!("failed {line}"));
    let tested: BTreeSet<&String> = counts.keys().collect();
    let untested: Vec<&str> =
        onnx::operators().map(|(op, ..)| op).filter(|op| !tested.contains(&op.to_string())).collect();
    let (passed, failed, types) = (total(|c| c.passed), total(|c| c.failed.len()), total(|c| c.types));
    println!(
        "{passed} of {} pass; {types} of other types; {unclaimed} of operators not claimed",
        passed + failed
    );
    println!("operators without a test: {}", untested.join(", "));
    assert!(passed > 0 && passed * 100 >= 95 * (passed + failed), "{passed} of {} pass", passed + failed);
}
