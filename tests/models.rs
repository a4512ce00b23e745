//! What stands behind the lessons: minGPT and Mamba against PyTorch's values, written by tests/reference/mingpt.py and
//! mamba.py; static graphs; scalars; CartPole.

#[path = "models/cartpole.rs"]
mod cartpole;
#[path = "models/mamba.rs"]
mod mamba;
#[path = "models/micrograd.rs"]
mod micrograd;
#[path = "models/mingpt.rs"]
mod mingpt;
#[path = "models/minitf.rs"]
mod minitf;

use playgrad::Tensor;
use serde_json::Value;

fn stored(x: &Value) -> Tensor {
    let list = |name: &str| x[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap());
    let shape: Vec<usize> = list("shape").map(|n| n as usize).collect();
    Tensor::from_slice(&list("values").map(|v| v as f32).collect::<Vec<_>>(), &shape).unwrap()
}

/// Equal in shape, and within 1e-4 relative to 1 + the size of each number.
fn same(what: &str, got: &Tensor, expected: &Value) {
    let expected = stored(expected);
    assert_eq!(got.shape(), expected.shape(), "{what}");
    let pairs = got.to_vec::<f32>().unwrap().into_iter().zip(expected.to_vec::<f32>().unwrap());
    let apart = pairs.map(|(a, b)| (a - b).abs() / (1.0 + b.abs())).fold(0.0, f32::max);
    assert!(apart < 1e-4, "{what}: {apart} apart");
}
