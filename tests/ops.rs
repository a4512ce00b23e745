//! Every method on every device against PyTorch's stored values: shape, dtype, forward and gradients.

#[path = "cuda/device.rs"]
mod cuda;
#[path = "emit/device.rs"]
mod device;
#[path = "reference/load.rs"]
mod load;

use load::{Case, Out};
use playgrad::{
    error::Error,
    graph::DType,
    methods::Value,
    runtime,
    tensor::{Tensor, block_on},
};
use std::{collections::BTreeMap, panic::catch_unwind};

type Outcome = Result<(), String>;

fn values(x: &Tensor) -> Result<Vec<f64>, String> {
    let data = block_on(x.data()).map_err(said)?;
    Ok((0..data.len()).map(|i| data.get(i)).collect())
}

fn said(error: Error) -> String {
    error.to_string()
}

/// The results of a call as tensors.
fn tensors(value: Value) -> Result<Vec<Tensor>, String> {
    let scalar = match value {
        Value::Tensor(t) => return Ok(vec![t]),
        Value::List(list) => {
            return Ok(list.into_iter().map(tensors).collect::<Result<Vec<_>, _>>()?.concat());
        }
        Value::Bool(v) => Tensor::scalar(v),
        Value::Int(v) => Tensor::scalar(v),
        Value::Float(v) => Tensor::scalar(v),
        Value::None | Value::Str(_) | Value::DType(_) => return Err(format!("gives {value}")),
    };
    Ok(vec![scalar.map_err(said)?])
}

/// Absolute and relative distance allowed; whole numbers have to be equal.
fn tolerance(dtype: &str, gradient: bool) -> (f64, f64) {
    match dtype {
        "float16" => (1e-3, 2e-3),
        "bfloat16" => (1e-2, 1.6e-2),
        "float32" | "float64" if gradient => (1e-4, 1e-3),
        "float32" | "float64" => (1e-6, 1e-3),
        _ => (0.0, 0.0),
    }
}

/// The first value further from PyTorch's than `atol + rtol·|value|`.
fn differ(what: &str, got: &[f64], expected: &[f64], (atol, rtol): (f64, f64)) -> Outcome {
    if got.len() != expected.len() {
        return Err(format!("{what} has {} values, PyTorch {}", got.len(), expected.len()));
    }
    let same = |g: f64, e: f64| g == e || (g.is_nan() && e.is_nan());
    let near = |g: f64, e: f64| e.is_finite() && (g - e).abs() <= atol + rtol * e.abs();
    match got.iter().zip(expected).position(|(g, e)| !same(*g, *e) && !near(*g, *e)) {
        Some(i) => Err(format!("{what}[{i}] is {}, PyTorch {}", got[i], expected[i])),
        None => Ok(()),
    }
}

fn check_out(i: usize, got: &Tensor, expected: &Out) -> Outcome {
    let (shape, dtype) = (got.shape(), got.dtype().name());
    if shape.as_slice() != expected.shape || dtype != expected.dtype {
        let (want, as_) = (&expected.shape, &expected.dtype);
        return Err(format!("output {i} is {:?} {dtype}, PyTorch {want:?} {as_}", shape.as_slice()));
    }
    differ(&format!("output {i}"), &values(got)?, &expected.values, tolerance(dtype, false))
}

fn check(case: &Case) -> Outcome {
    let drawn = case.draw().map_err(said)?;
    let outs = tensors(case.run(&drawn.viewed).map_err(said)?)?;
    if outs.len() != case.outs.len() {
        return Err(format!("gives {} tensors, PyTorch {}", outs.len(), case.outs.len()));
    }
    for (i, (got, expected)) in outs.iter().zip(&case.outs).enumerate() {
        check_out(i, got, expected)?;
    }
    let Some(grads) = &case.grads else { return Ok(()) };
    let mut loss: Option<Tensor> = None;
    for (out, weights) in outs.iter().zip(&drawn.weights) {
        let Some(weights) = weights else { continue };
        let part = out.mul(weights).and_then(|weighed| weighed.sum((), false)).map_err(said)?;
        loss = Some(loss.map_or(Ok(part.clone()), |sum| sum.add(part)).map_err(said)?);
    }
    loss.ok_or("has gradients but no float output")?.backward().map_err(said)?;
    let leaves = drawn.leaves.iter().filter(|l| l.dtype().is_float());
    for (i, (leaf, expected)) in leaves.zip(grads).enumerate() {
        let zeros = vec![0.0; leaf.numel()];
        let got = leaf.grad().map_or(Ok(zeros.clone()), |g| values(&g))?;
        let allowed = tolerance(leaf.dtype().name(), true);
        differ(&format!("gradient {i}"), &got, expected.as_ref().unwrap_or(&zeros), allowed)?;
    }
    Ok(())
}

/// Why a device cannot run a case at all.
fn lacks(device: &str, case: &Case) -> Option<String> {
    let missing = DType::ALL
        .into_iter()
        .find(|d| case.mentions(*d) && !matches!(device, "cpu" | "cuda") && d.size() > 4)?;
    Some(format!("{missing:?} is on cpu, interpreted, and cuda only"))
}

/// Which of how many processes this is that share the cases: `PLAYGRAD_SHARD=0/8`.
fn shard() -> (usize, usize) {
    let Ok(text) = std::env::var("PLAYGRAD_SHARD") else { return (0, 1) };
    let parts = text.split_once('/').and_then(|(own, of)| Some((own.parse().ok()?, of.parse().ok()?)));
    parts.filter(|(own, of)| own < of).expect("PLAYGRAD_SHARD is like 0/8")
}

fn check_all(name: &'static str) {
    // The comparing device stands in for `cpu`.
    let device = if name == "emitted" { "cpu" } else { name };
    if let Err(e) = runtime::set_default(device) {
        println!("{device}: skipped, {e}");
        return;
    }
    let cases = load::load();
    let (own, of) = shard();
    let (mut themes, mut skips) = (BTreeMap::<&str, (usize, usize)>::new(), BTreeMap::new());
    let mut failures = Vec::new();
    for case in cases.iter().skip(own).step_by(of) {
        if let Some(why) = lacks(name, case) {
            *skips.entry(why).or_insert(0) += 1;
            continue;
        }
        let outcome = catch_unwind(|| check(case)).unwrap_or_else(|_| Err("panics".into()));
        let (agree, all) = themes.entry(&case.theme).or_default();
        *all += 1;
        match outcome {
            Ok(()) => *agree += 1,
            Err(why) => failures.push(format!("{}: {why}", case.name)),
        }
    }
    let ran: usize = themes.values().map(|(_, all)| all).sum();
    println!("{name}: {} of {ran} cases agree with PyTorch", ran - failures.len());
    for (theme, (agree, all)) in themes {
        println!("  {theme}: {agree} of {all}");
    }
    for (why, count) in skips {
        println!("  skipped {count}: {why}");
    }
    assert!(failures.is_empty(), "{name}:\n{}", failures.join("\n"));
}

#[test]
fn cpu() {
    check_all("cpu");
}

/// Every kernel of every case also as emitted WebAssembly.
#[test]
fn emitted() {
    let ran = device::install();
    check_all("emitted");
    assert!(ran.get() > 500, "{} kernels", ran.get());
}

#[test]
fn cuda() {
    check_all("cuda");
}

/// Every case's kernels as CUDA C++, run on the CPU.
#[test]
fn cuda_on_the_cpu() {
    let shim = match cuda::install() {
        Ok(shim) => shim,
        Err(why) => return println!("cuda on the CPU: skipped, {why}"),
    };
    let cases = load::load();
    shim.collect(|| {
        for case in &cases {
            let _ = catch_unwind(|| check(case));
        }
    });
    check_all("cuda");
    assert!(shim.ran() > 500, "{} launches", shim.ran());
}

#[test]
fn vulkan() {
    check_all("vulkan");
}

#[test]
fn metal() {
    check_all("metal");
}
