//! Layers against PyTorch's, with given weights; what they start with against tinygrad's. tests/reference/layers.py
//! made the numbers.

use playgrad::{
    Kind, Result, Tensor, manual_seed,
    nn::{
        self, BatchNorm, Conv2d, ConvTranspose2d, Embedding, Flatten, GroupNorm, LayerNorm, LayerNorm2d,
        Linear, Module, RmsNorm,
    },
    runtime,
    tensor::{Conv2dOptions, block_on, with_training},
};
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/layers.json")).expect("layers.json is JSON")
}

fn sizes(v: &Value, default: usize) -> Vec<usize> {
    match v {
        Value::Array(list) => list.iter().map(|n| n.as_u64().unwrap() as usize).collect(),
        other => vec![other.as_u64().map_or(default, |n| n as usize)],
    }
}

fn numbers(v: &Value) -> Vec<f64> {
    v["values"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn tensor(v: &Value) -> Tensor {
    let (values, shape) = (numbers(v), sizes(&v["shape"], 0));
    if v["values"].as_array().unwrap().iter().all(Value::is_i64) && !values.is_empty() {
        let whole: Vec<i32> = values.iter().map(|x| *x as i32).collect();
        return Tensor::from_slice(&whole, &shape).unwrap();
    }
    let values: Vec<f32> = values.iter().map(|x| *x as f32).collect();
    Tensor::from_slice(&values, &shape).unwrap()
}

fn options(args: &Value, kernel: &[usize]) -> Conv2dOptions {
    let dilation = sizes(&args["dilation"], 1);
    let padding = match args["padding"].as_str() {
        Some(_) => nn::same_padding(kernel, &dilation),
        None => sizes(&args["padding"], 0).into_iter().map(|n| n as isize).collect(),
    };
    let groups = sizes(&args["groups"], 1)[0];
    Conv2dOptions { stride: sizes(&args["stride"], 1), padding, dilation, groups, ..Conv2dOptions::default() }
}

fn layer(row: &Value) -> Result<Box<dyn Module>> {
    let args = &row["args"];
    let on = |name: &str| args[name] != false;
    let eps = |default: f64| args["eps"].as_f64().unwrap_or(default);
    let (size, shape, two) = (sizes(&args["size"], 0)[0], sizes(&args["shape"], 0), sizes(&args["sizes"], 0));
    let (channels, kernel) = (sizes(&args["channels"], 0), sizes(&args["kernel"], 1));
    Ok(match row["layer"].as_str().unwrap() {
        "Linear" => Box::new(Linear::new(two[0], two[1], on("bias"))?),
        "Conv2d" => {
            let options = options(args, &kernel);
            Box::new(Conv2d::new(channels[0], channels[1], &kernel, options, on("bias"))?)
        }
        "ConvTranspose2d" => {
            let (options, more) = (options(args, &kernel), sizes(&args["output_padding"], 0));
            Box::new(ConvTranspose2d::new(channels[0], channels[1], &kernel, options, &more, on("bias"))?)
        }
        "BatchNorm" => {
            let momentum = args["momentum"].as_f64().unwrap_or(0.1);
            let norm = BatchNorm::new(channels[0], on("affine"), eps(1e-5), momentum)?;
            Box::new(BatchNorm { track: on("track"), ..norm })
        }
        "GroupNorm" => {
            Box::new(GroupNorm::new(sizes(&args["groups"], 1)[0], channels[0], on("affine"), eps(1e-5))?)
        }
        "LayerNorm" => Box::new(LayerNorm::new(&shape, on("affine"), eps(1e-5))?),
        "LayerNorm2d" => Box::new(LayerNorm2d(LayerNorm::new(&shape, on("affine"), eps(1e-5))?)),
        "RMSNorm" => Box::new(RmsNorm::new(size, on("affine"), eps(1e-6))?),
        "Embedding" => Box::new(Embedding::new(two[0], two[1])?),
        "Flatten" => Box::new(Flatten),
        other => panic!("no layer {other}"),
    })
}

fn check(what: &str, got: &Tensor, expected: &Value, absolute: f64) {
    assert_eq!(got.shape().as_slice(), sizes(&expected["shape"], 0), "{what}");
    let (data, wanted) = (block_on(got.data()).unwrap(), numbers(expected));
    for (i, b) in wanted.iter().enumerate() {
        let a = data.get(i);
        assert!((a - b).abs() <= absolute + 1e-3 * b.abs(), "{what}: {a} is not {b} at {i}");
    }
}

fn compare(row: &Value) -> Result<()> {
    let layer = layer(row)?;
    let name = format!("{} {}", row["layer"], row["args"]);
    let state = row["state"].as_object().unwrap().iter().map(|(key, v)| (key.clone(), tensor(v))).collect();
    nn::load_state_dict(&*layer, &state, true)?;
    let x = tensor(&row["x"]);
    let out = with_training(row["train"] == true, || layer.forward(&x))?;
    check(&name, &out, &row["out"], 1e-5);
    let own = layer.tensors();
    if x.dtype().is_float() {
        x.set_requires_grad(true)?;
    }
    let out = with_training(false, || {
        if row["train"] == true { with_training(true, || layer.forward(&x)) } else { layer.forward(&x) }
    })?;
    out.mul(tensor(&row["weights"]))?.sum((), false)?.backward()?;
    for (key, expected) in row["grads"].as_object().unwrap() {
        let found = own.iter().find(|(name, _)| name == key).map_or(&x, |(_, t)| t);
        check(&format!("{name}: gradient of {key}"), &found.grad().unwrap(), expected, 1e-4);
    }
    Ok(())
}

/// Running statistics after one batch.
fn compare_statistics(row: &Value) -> Result<()> {
    let layer = layer(row)?;
    let state = row["state"].as_object().unwrap().iter().map(|(key, v)| (key.clone(), tensor(v))).collect();
    nn::load_state_dict(&*layer, &state, true)?;
    with_training(row["train"] == true, || layer.forward(&tensor(&row["x"])))?;
    for (key, expected) in row["after"].as_object().unwrap() {
        let found = layer.tensors().into_iter().find(|(name, _)| name == key).expect("a running statistic").1;
        check(&format!("{}: {key}", row["args"]), &found, expected, 1e-5);
    }
    Ok(())
}

#[test]
fn layers_give_what_pytorch_gives_with_gradients() {
    let all = reference();
    let rows = all["layers"].as_array().unwrap();
    for device in ["cpu", "vulkan", "metal"] {
        match runtime::set_default(device) {
            Ok(()) => {
                for row in rows {
                    compare(row)
                        .and_then(|()| compare_statistics(row))
                        .unwrap_or_else(|e| panic!("{row}: {e}"));
                }
                println!("{device}: {} layers", rows.len());
            }
            Err(why) => println!("{device}: skipped, {why}"),
        }
    }
}

#[test]
fn layers_start_with_tinygrads_numbers() {
    let all = reference();
    manual_seed(all["seed"].as_u64().unwrap() as u32);
    for row in all["starts"].as_array().unwrap() {
        let kind = row["layer"].as_str().unwrap();
        let own = nn::fresh(kind, &sizes(&row["sizes"], 0), true).unwrap();
        for (key, expected) in row["state"].as_object().unwrap() {
            match own.iter().find(|(name, _)| name == key) {
                Some((_, found)) => check(&format!("{kind} {key}"), found, expected, 1e-6),
                None => panic!("{kind} has no {key}"),
            }
        }
    }
}

#[test]
fn layers_that_do_not_fit_say_so() {
    let x = Tensor::ones(&[2, 3, 4]).unwrap();
    let shape = |e: Result<Tensor>| assert_eq!(e.unwrap_err().kind, Kind::Shape);
    shape(LayerNorm::new(&[5], true, 1e-5).unwrap().forward(&x));
    shape(LayerNorm2d(LayerNorm::new(&[3], true, 1e-5).unwrap()).forward(&x));
    shape(GroupNorm::new(2, 3, true, 1e-5).unwrap().forward(&x));
    shape(RmsNorm::new(3, true, 1e-6).unwrap().forward(&x));
    shape(BatchNorm::new(4, true, 1e-5, 0.1).unwrap().forward(&x));
    shape(Conv2d::new(2, 2, &[3], Conv2dOptions::default(), true).unwrap().forward(&x));
    assert_eq!(Embedding::new(3, 2).unwrap().forward(&x).unwrap_err().kind, Kind::DType);
    assert_eq!(nn::fresh("Linear", &[1], true).unwrap_err().kind, Kind::Argument);
    assert_eq!(nn::fresh("Gru", &[1], true).unwrap_err().kind, Kind::Argument);
}
