//! Every operation on every device against PyTorch's stored values: shape, dtype, forward and gradients.

#[path = "reference/cases.rs"]
mod cases;
#[path = "emit/device.rs"]
mod device;

use cases::{Args, Case};
use playgrad::{
    error::Result,
    graph::DType,
    runtime,
    tensor::{Conv2dOptions, Operand, Pool2dOptions, Tensor},
};
use std::panic::catch_unwind;

/// The one table: an operation's name in ops.json and the method it checks.
fn apply(op: &str, x: &[Tensor], a: &Args) -> Result<Tensor> {
    let other = || match a.get("value") {
        Some(v) if v.is_float() => Operand::Float(v.float()),
        Some(v) => Operand::Int(v.int() as i64),
        None => Operand::from(x.last().unwrap()),
    };
    let axis = || a.at("axis").int();
    match op {
        "neg" => x[0].neg(),
        "exp" => x[0].exp(),
        "exp2" => x[0].exp2(),
        "log" => x[0].log(),
        "log2" => x[0].log2(),
        "sqrt" => x[0].sqrt(),
        "rsqrt" => x[0].rsqrt(),
        "reciprocal" => x[0].reciprocal(),
        "sin" => x[0].sin(),
        "cos" => x[0].cos(),
        "tanh" => x[0].tanh(),
        "sigmoid" => x[0].sigmoid(),
        "relu" => x[0].relu(),
        "leaky_relu" => x[0].leaky_relu(a.get("slope").map_or(0.01, |v| v.float())),
        "gelu" => x[0].gelu(),
        "silu" => x[0].silu(),
        "elu" => x[0].elu(1.0),
        "softplus" => x[0].softplus(),
        "abs" => x[0].abs(),
        "sign" => x[0].sign(),
        "square" => x[0].square(),
        "floor" => x[0].floor(),
        "ceil" => x[0].ceil(),
        "round" => x[0].round(),
        "trunc" => x[0].trunc(),
        "clip" => x[0].clip(a.at("low").float(), a.at("high").float()),
        "logical_not" => x[0].logical_not(),
        "float" => x[0].float(),
        "int" => x[0].int(),
        "cast" => x[0].cast(DType::parse(&a.at("dtype").text()).unwrap()),
        "contiguous" => Ok(x[0].contiguous()),

        "add" => x[0].add(other()),
        "sub" => x[0].sub(other()),
        "mul" => x[0].mul(other()),
        "div" => x[0].div(other()),
        "mod" => x[0].rem(other()),
        "pow" => x[0].pow(other()),
        "maximum" => x[0].maximum(other()),
        "minimum" => x[0].minimum(other()),
        "eq" => x[0].eq(other()),
        "ne" => x[0].ne(other()),
        "lt" => x[0].lt(other()),
        "le" => x[0].le(other()),
        "gt" => x[0].gt(other()),
        "ge" => x[0].ge(other()),
        "where" => x[0].where_(&x[1], other()),

        "sum" => x[0].sum(a.axes(), a.keepdim()),
        "mean" => x[0].mean(a.axes(), a.keepdim()),
        "max" => x[0].max(a.axes(), a.keepdim()),
        "min" => x[0].min(a.axes(), a.keepdim()),
        "prod" => x[0].prod(a.axes(), a.keepdim()),
        "var" => x[0].var(a.axes(), a.keepdim(), 1),
        "std" => x[0].std(a.axes(), a.keepdim(), 1),
        "logsumexp" => x[0].logsumexp(a.axes(), a.keepdim()),
        "argmax" => x[0].argmax(a.get("axis").map(|v| v.int()), a.keepdim()),
        "argmin" => x[0].argmin(a.get("axis").map(|v| v.int()), a.keepdim()),
        "softmax" => x[0].softmax(a.get("axis").map_or(-1, |v| v.int())),
        "log_softmax" => x[0].log_softmax(a.get("axis").map_or(-1, |v| v.int())),

        "reshape" => x[0].reshape(&a.at("shape").ints()),
        "permute" => x[0].permute(&a.at("axes").ints()),
        "transpose" => x[0].transpose(a.at("a").int(), a.at("b").int()),
        "t" => Ok(x[0].t()),
        "expand" => x[0].expand(&a.at("shape").ints()),
        "pad" => x[0].pad(&a.at("pairs").pairs(), a.get("value").map_or(0.0, |v| v.float())),
        "shrink" => x[0].shrink(&a.at("pairs").pairs()),
        "slice" => x[0].slice(&a.at("parts").slices()),
        "flip" => x[0].flip(a.at("axes").ints().as_slice()),
        "squeeze" => x[0].squeeze(a.get("axis").map(|v| v.int())),
        "unsqueeze" => x[0].unsqueeze(axis()),
        "flatten" => x[0].flatten(a.get("start").map_or(0, |v| v.int())),
        "cat" => Tensor::cat(x, axis()),
        "stack" => Tensor::stack(x, axis()),
        "repeat" => x[0].repeat(&a.at("times").sizes()),

        "gather" => x[0].gather(axis(), &x[1]),
        "index" => x[0].index(&x[1]),
        "one_hot" => x[0].one_hot(a.at("classes").int() as usize),

        "matmul" => x[0].matmul(&x[1]),
        "linear" => x[0].linear(&x[1], x.get(2)),
        "conv2d" => x[0].conv2d(&x[1], x.get(2), conv_options(a)),
        "max_pool2d" => x[0].max_pool2d(a.pair("kernel").unwrap(), pool_options(a)),
        "avg_pool2d" => x[0].avg_pool2d(a.pair("kernel").unwrap(), pool_options(a)),
        "layer_norm" => {
            let axes: Vec<isize> = (1..=a.at("shape").sizes().len() as isize).map(|i| -i).collect();
            let normal = x[0].layer_norm(axes.as_slice(), 1e-5)?;
            if x.len() > 1 { normal.mul(&x[1])?.add(&x[2]) } else { Ok(normal) }
        }
        "batch_norm" => {
            let axes: Vec<isize> = (0..x[0].ndim() as isize).filter(|i| *i != 1).collect();
            let mean = x[0].mean(axes.as_slice(), false)?;
            let inverse = x[0].var(axes.as_slice(), false, 0)?.add(1e-5)?.rsqrt()?;
            x[0].batch_norm(Some(&x[1]), Some(&x[2]), &mean, &inverse)
        }
        "cross_entropy" => x[0].cross_entropy(&x[1]),
        "mse" => x[0].mse(&x[1]),
        "binary_cross_entropy" => x[0].binary_cross_entropy(&x[1]),

        "arange" => {
            let range = a.at("range").floats();
            let (start, stop) = if range.len() > 1 { (range[0], range[1]) } else { (0.0, range[0]) };
            let dtype = if a.get("float").is_some() { DType::F32 } else { DType::I32 };
            Tensor::arange(start, stop, range.get(2).copied().unwrap_or(1.0), dtype)
        }
        "linspace" => {
            Tensor::linspace(a.at("start").float(), a.at("stop").float(), a.at("steps").int() as usize)
        }
        "eye" => Tensor::eye(a.at("n").int() as usize),
        "full" => Tensor::full(&a.at("shape").sizes(), a.at("value").float(), DType::F32),

        "chain_mlp" => {
            let hidden = x[0].matmul(&x[1])?.add(&x[2])?.relu()?;
            hidden.matmul(&x[3])?.add(&x[4])?.cross_entropy(&x[5])
        }
        "chain_attention" => {
            let scores = x[0].matmul(&x[1].transpose(-2, -1)?)?.div((x[0].shape()[2] as f64).sqrt())?;
            scores.softmax(-1)?.matmul(&x[2])
        }
        "chain_conv_pool" => {
            let activations = x[0].conv2d(&x[1], Some(&x[2]), Conv2dOptions::default())?.relu()?;
            activations.max_pool2d([2, 2], Pool2dOptions::default())?.flatten(1)
        }
        "chain_norm_residual" => {
            let normal = x[0].layer_norm(-1, 1e-5)?.mul(&x[1])?.add(&x[2])?;
            x[0].add(&normal.tanh()?.mul(&x[0])?)
        }
        "chain_shared" => {
            let e = x[0].exp()?;
            e.mul(&x[0].sin()?)?.add(&e)?.sum(1, false)?.mul(&x[0].mean(1, false)?)
        }
        "chain_bias_sum" => x[0].add(&x[1])?.sum(0, true)?.mul(&x[1])?.softmax(-1),
        "chain_moved" => {
            let turned = x[0].transpose(0, 1)?.flip(0)?;
            let rows = turned.shape()[0];
            turned.shrink(&[(0, rows), (1, turned.shape()[1])])?.reshape(&[-1])?.mul(2)?.relu()
        }
        other => panic!("ops.json has `{other}`, which this table lacks"),
    }
}

fn conv_options(a: &Args) -> Conv2dOptions {
    Conv2dOptions {
        stride: a.pair("stride").unwrap_or([1, 1]),
        padding: a.pair("padding").unwrap_or([0, 0]),
        dilation: a.pair("dilation").unwrap_or([1, 1]),
        groups: a.get("groups").map_or(1, |v| v.int() as usize),
    }
}

fn pool_options(a: &Args) -> Pool2dOptions {
    Pool2dOptions { stride: a.pair("stride"), padding: a.pair("padding").unwrap_or([0, 0]) }
}

fn values(x: &Tensor) -> Result<Vec<f64>> {
    let x = if x.dtype() == DType::F32 { x.clone() } else { x.cast(DType::F32)? };
    Ok(x.to_vec::<f32>()?.into_iter().map(f64::from).collect())
}

/// The first value further from PyTorch's than `atol + rtol·|value|`.
fn differ(
    what: &str,
    got: &[f64],
    expected: &[f64],
    atol: f64,
    rtol: f64,
) -> std::result::Result<(), String> {
    if got.len() != expected.len() {
        return Err(format!("{what} has {} values, PyTorch {}", got.len(), expected.len()));
    }
    let far = |(g, e): (&f64, &f64)| g.is_nan() || (g - e).abs() > atol + rtol * e.abs();
    match got.iter().zip(expected).position(far) {
        Some(i) => Err(format!("{what}[{i}] is {}, PyTorch {}", got[i], expected[i])),
        None => Ok(()),
    }
}

fn check(case: &Case) -> std::result::Result<(), String> {
    let error = |e: playgrad::error::Error| e.to_string();
    let drawn = case.draw().map_err(error)?;
    let out = apply(&case.op, &drawn.viewed, &case.args).map_err(error)?;
    if out.shape().as_slice() != case.shape || out.dtype().name() != case.dtype {
        let (shape, dtype) = (out.shape(), out.dtype());
        return Err(format!("gives {:?} {dtype}, PyTorch {:?} {}", shape.as_slice(), case.shape, case.dtype));
    }
    differ("output", &values(&out).map_err(error)?, &case.out, 1e-6, 1e-3)?;
    let Some(grads) = &case.grads else { return Ok(()) };
    out.mul(&drawn.weights).and_then(|weighed| weighed.sum((), false)?.backward()).map_err(error)?;
    let leaves = drawn.leaves.iter().filter(|l| l.dtype() == DType::F32);
    for (i, (leaf, expected)) in leaves.zip(grads).enumerate() {
        let zeros = vec![0.0; leaf.numel()];
        let got = leaf.grad().map_or(Ok(zeros.clone()), |g| values(&g)).map_err(error)?;
        differ(&format!("gradient {i}"), &got, expected.as_ref().unwrap_or(&zeros), 1e-4, 1e-3)?;
    }
    Ok(())
}

fn check_all(device: &'static str) {
    if let Err(e) = runtime::set_default(device) {
        println!("{device}: skipped, {e}");
        return;
    }
    let cases = cases::load();
    let fails = |c: &Case| match catch_unwind(|| check(c)) {
        Ok(outcome) => outcome.err().map(|why| format!("{}: {why}", c.name)),
        Err(_) => Some(format!("{}: panics", c.name)),
    };
    let failures: Vec<String> = cases.iter().filter_map(fails).collect();
    println!("{device}: {} of {} cases agree with PyTorch", cases.len() - failures.len(), cases.len());
    assert!(failures.is_empty(), "{device}:\n{}", failures.join("\n"));
}

#[test]
fn cpu() {
    check_all("cpu");
}

/// Every kernel of every case also as emitted WebAssembly.
#[test]
fn emitted() {
    let ran = device::install();
    check_all("cpu");
    assert!(ran.get() > 500, "{} kernels", ran.get());
}

#[test]
fn vulkan() {
    check_all("vulkan");
}

#[test]
fn metal() {
    check_all("metal");
}
