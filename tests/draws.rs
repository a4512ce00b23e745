//! Random numbers against tinygrad's, call by call after a seed: the same integers, floats within a few roundings.

#[path = "emit/device.rs"]
mod device;

use playgrad::{
    Tensor,
    graph::DType,
    methods::{self, Value},
    nn::{Embedding, Linear, Module},
    runtime,
    tensor::{manual_seed, with_training},
};
use serde_json::Value as Json;

fn value(json: &Json) -> Value {
    match json {
        Json::Bool(v) => Value::Bool(*v),
        Json::Number(n) => n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap()), Value::Int),
        Json::String(s) => Value::DType(DType::parse(s).unwrap()),
        Json::Array(list) => Value::List(list.iter().map(value).collect()),
        other => panic!("{other}"),
    }
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn sizes(json: &Json) -> Vec<usize> {
    numbers(json).into_iter().map(|v| v as usize).collect()
}

/// A vector or a matrix.
fn matrix(json: &Json) -> Tensor {
    let rows = json.as_array().unwrap();
    let flat: Vec<f64> =
        if rows[0].is_array() { rows.iter().flat_map(numbers).collect() } else { numbers(json) };
    let mut shape = vec![rows.len()];
    shape.extend(rows[0].as_array().map(Vec::len));
    Tensor::from_slice(&flat.iter().map(|v| *v as f32).collect::<Vec<_>>(), &shape).unwrap()
}

fn draw(name: &str, args: &Json) -> Vec<Tensor> {
    let tensors = |layer: &dyn Module| layer.tensors().into_iter().map(|(_, t)| t).collect();
    let pair = || <[usize; 2]>::try_from(sizes(&args["sizes"])).unwrap();
    match name {
        "Linear" => return tensors(&Linear::new(pair()[0], pair()[1], true).unwrap()),
        "Embedding" => return tensors(&Embedding::new(pair()[0], pair()[1]).unwrap()),
        "dropout" => {
            let ones = Tensor::ones(&sizes(&args["shape"])).unwrap();
            return vec![with_training(true, || ones.dropout(args["p"].as_f64().unwrap()).unwrap())];
        }
        _ => {}
    }
    let this = args.get("weights").map(matrix);
    let named = args.as_object().unwrap().iter().filter(|(k, _)| *k != "weights");
    let named: Vec<(&str, Value)> = named.map(|(k, v)| (k.as_str(), value(v))).collect();
    match methods::call(name, this.as_ref(), &[], &named).unwrap() {
        Value::Tensor(t) => vec![t],
        other => panic!("{name} gives {other}"),
    }
}

fn check_all(device: &'static str) {
    if let Err(e) = runtime::set_default(device) {
        println!("{device}: skipped, {e}");
        return;
    }
    let runs: Json = serde_json::from_str(include_str!("reference/draws.json")).unwrap();
    let mut count = 0;
    for run in runs.as_array().unwrap() {
        manual_seed(run["seed"].as_u64().unwrap() as u32);
        for call in run["calls"].as_array().unwrap() {
            let name = call["name"].as_str().unwrap();
            let outs = draw(name, &call["args"]);
            let expected = call["outs"].as_array().unwrap();
            assert_eq!(outs.len(), expected.len(), "{name}");
            for (out, expected) in outs.iter().zip(expected) {
                let got = out.cast(DType::F32).unwrap().to_vec::<f32>().unwrap();
                let expected = numbers(expected);
                let near = |(g, e): (&f32, &f64)| (f64::from(*g) - e).abs() <= 2e-6 * e.abs().max(1.0);
                let same = got.len() == expected.len() && got.iter().zip(&expected).all(near);
                assert!(same, "{device}: {name} {}: {got:?} is not {expected:?}", call["args"]);
            }
            count += 1;
        }
    }
    println!("{device}: {count} calls give tinygrad's numbers");
}

#[test]
fn cpu() {
    check_all("cpu");
}

#[test]
fn emitted() {
    let ran = device::install();
    check_all("cpu");
    assert!(ran.get() > 10, "{} kernels", ran.get());
}

#[test]
fn vulkan() {
    check_all("vulkan");
}
