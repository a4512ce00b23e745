//! Every differentiable method against central differences, and gradients of gradients.

use playgrad::{
    Result, Tensor, grad, manual_seed, no_grad,
    tensor::{Conv2dOptions, Pool2dOptions, Slice},
};

/// Values away from the kinks of piecewise functions, all different.
fn input(shape: &[usize], low: f32, high: f32) -> Tensor {
    let n: usize = shape.iter().product();
    let step = (high - low) / n as f32;
    let values: Vec<f32> = (0..n).map(|i| low + step * (((i * 7 + 3) % n) as f32 + 0.37)).collect();
    Tensor::from_slice(&values, shape).unwrap()
}

/// A scalar that weighs every output differently.
fn weighed(y: &Tensor) -> Result<Tensor> {
    let n = y.numel();
    let weights: Vec<f32> = (0..n).map(|i| 0.5 + ((i * 5 + 1) % 7) as f32 * 0.25).collect();
    y.mul(Tensor::from_slice(&weights, &y.shape())?)?.sum((), false)
}

fn check(name: &str, x: &Tensor, f: impl Fn(&Tensor) -> Result<Tensor>) {
    let (shape, values) = (x.shape(), x.to_vec::<f32>().unwrap());
    let loss = weighed(&f(x).unwrap()).unwrap();
    let analytic = grad(&loss, &[x]).unwrap_or_else(|e| panic!("{name}: {e}"))[0].to_vec::<f32>().unwrap();
    let at = |i: usize, by: f32| {
        let mut moved = values.clone();
        moved[i] += by;
        let y = f(&Tensor::from_slice(&moved, &shape).unwrap()).unwrap().to_vec::<f32>().unwrap();
        let weight = |i: usize| 0.5 + ((i * 5 + 1) % 7) as f64 * 0.25;
        y.iter().enumerate().map(|(i, v)| f64::from(*v) * weight(i)).sum::<f64>()
    };
    let h = 4e-3;
    for (i, got) in analytic.iter().enumerate() {
        let expected = (at(i, h) - at(i, -h)) / (2.0 * f64::from(h));
        let close = (f64::from(*got) - expected).abs() <= 4e-3 + 1e-2 * expected.abs();
        assert!(close, "{name}: gradient {i} is {got}, differences give {expected}; all {analytic:?}");
    }
}

#[test]
fn elementwise_functions() {
    type F = fn(&Tensor) -> Result<Tensor>;
    let anywhere: &[(&str, F)] = &[
        ("add", |x| x.add(x)?.add(1.5)),
        ("sub", |x| x.mul(3)?.sub(x)),
        ("mul", |x| x.mul(x)),
        ("div", |x| x.div(x.square()?.add(1)?)),
        ("neg", |x| x.neg()),
        ("exp", |x| x.exp()),
        ("exp2", |x| x.exp2()),
        ("sin", |x| x.sin()),
        ("cos", |x| x.cos()),
        ("tanh", |x| x.tanh()),
        ("sigmoid", |x| x.sigmoid()),
        ("relu", |x| x.relu()),
        ("leaky_relu", |x| x.leaky_relu(0.1)),
        ("gelu", |x| x.gelu()),
        ("silu", |x| x.silu()),
        ("elu", |x| x.elu(0.7)),
        ("softplus", |x| x.softplus()),
        ("abs", |x| x.abs()),
        ("square", |x| x.square()),
        ("clip", |x| x.clip(-0.9, 0.8)),
        ("maximum", |x| x.maximum(x.mul(-2)?.add(0.5)?)),
        ("minimum", |x| x.minimum(0.31)),
        ("where", |x| x.gt(0.2)?.where_(x.mul(2)?, x.square()?)),
        ("pow 3", |x| x.pow(3)),
        ("pow 2.0", |x| x.pow(2.0)),
        ("contiguous", |x| x.mul(2)?.contiguous().mul(x)),
    ];
    for (name, f) in anywhere {
        check(name, &input(&[2, 5], -1.7, 1.9), f);
    }
    let positive: &[(&str, F)] = &[
        ("log", |x| x.log()),
        ("log2", |x| x.log2()),
        ("sqrt", |x| x.sqrt()),
        ("rsqrt", |x| x.rsqrt()),
        ("reciprocal", |x| x.reciprocal()),
        ("pow -2", |x| x.pow(-2)),
        ("pow 1.7", |x| x.pow(1.7)),
        ("pow tensor", |x| x.pow(x.add(0.3)?)),
        ("rem", |x| x.mul(0.9)?.rem(x.add(5)?)),
        ("const / x", |x| Tensor::scalar(2.0)?.div(x)),
    ];
    for (name, f) in positive {
        check(name, &input(&[7], 0.4, 2.3), f);
    }
}

#[test]
fn movement() {
    type F = fn(&Tensor) -> Result<Tensor>;
    let cases: &[(&str, F)] = &[
        ("reshape", |x| x.reshape(&[4, -1])?.square()),
        ("permute", |x| x.permute(&[2, 0, 1])?.square()),
        ("transpose", |x| x.transpose(0, -1)?.square()),
        ("expand", |x| x.unsqueeze(1)?.expand(&[-1, 3, -1, -1])?.square()),
        ("pad", |x| x.pad(&[(1, 0), (0, 2), (1, 1)], 3.0)?.square()),
        ("shrink", |x| x.shrink(&[(0, 1), (1, 3), (0, 4)])?.square()),
        ("slice", |x| {
            x.slice(&[Slice::At(-1), Slice::Range { start: None, stop: None, step: -2 }])?.square()
        }),
        ("slice step", |x| {
            let step = Slice::Range { start: Some(1), stop: None, step: 2 };
            x.slice(&[Slice::All, Slice::All, step])?.square()
        }),
        ("flip", |x| x.flip([0, 2])?.square()),
        ("flatten", |x| x.flatten(1)?.square()),
        ("repeat", |x| x.repeat(&[2, 1, 3])?.square()),
        ("cat", |x| Tensor::cat(&[x.clone(), x.square()?, x.clone()], 1)),
        ("stack", |x| Tensor::stack(&[x.clone(), x.square()?], -1)),
    ];
    for (name, f) in cases {
        check(name, &input(&[2, 3, 4], -1.0, 1.0), f);
    }
}

#[test]
fn reductions() {
    type F = fn(&Tensor) -> Result<Tensor>;
    let cases: &[(&str, F)] = &[
        ("sum", |x| x.square()?.sum(1, false)),
        ("sum keepdim", |x| x.square()?.sum([0, 2], true)),
        ("mean", |x| x.square()?.mean((), false)),
        ("max", |x| x.max(-1, false)?.square()),
        ("min", |x| x.min([0, 1], true)?.square()),
        ("prod", |x| x.prod(1, false)),
        ("var", |x| x.var(-1, false, 1)),
        ("std", |x| x.std(0, false, 0)),
        ("softmax", |x| x.softmax(-1)),
        ("softmax axis 0", |x| x.softmax(0)),
        ("log_softmax", |x| x.log_softmax(1)),
        ("logsumexp", |x| x.logsumexp([1, 2], false)),
        ("layer_norm", |x| x.layer_norm([-1, -2], 1e-5)),
    ];
    for (name, f) in cases {
        check(name, &input(&[2, 3, 4], -1.0, 1.4), f);
    }
}

#[test]
fn matrices_images_and_picks() {
    let other = input(&[4, 5], -0.5, 0.7);
    check("matmul left", &input(&[2, 3, 4], -1.0, 1.0), |x| x.matmul(&other));
    let left = input(&[2, 3, 4], -1.0, 1.0);
    check("matmul right", &other, |w| left.matmul(w));
    check("matmul vector", &input(&[4], -1.0, 1.0), |v| left.matmul(v)?.square());
    let bias = input(&[3], -1.0, 1.0);
    check("linear", &input(&[3, 4], -1.0, 1.0), |w| left.linear(w, Some(&bias))?.square());

    let image = input(&[2, 4, 6, 5], -1.0, 1.0);
    let options = [
        Conv2dOptions::default(),
        Conv2dOptions { stride: [2, 1], padding: [1, 2], ..Conv2dOptions::default() },
        Conv2dOptions { dilation: [2, 1], groups: 2, ..Conv2dOptions::default() },
    ];
    for o in options {
        let filter = input(&[4, 4 / o.groups, 3, 2], -0.5, 0.5);
        check(&format!("conv2d weight {o:?}"), &filter, |w| image.conv2d(w, None, o));
        check(&format!("conv2d input {o:?}"), &image, |x| x.conv2d(&filter, None, o));
    }
    let overlapping = Pool2dOptions { stride: Some([1, 2]), padding: [1, 0] };
    for o in [Pool2dOptions::default(), overlapping] {
        check(&format!("max_pool2d {o:?}"), &image, |x| x.max_pool2d([2, 2], o)?.square());
        check(&format!("avg_pool2d {o:?}"), &image, |x| x.avg_pool2d([2, 2], o)?.square());
    }

    let rows = Tensor::from_slice(&[2i32, 0, 2, -1], &[2, 2]).unwrap();
    check("index", &input(&[3, 4], -1.0, 1.0), |x| x.index(&rows)?.square());
    let picks = Tensor::from_slice(&[3i32, 1, 0, 0, 2, 3], &[3, 2]).unwrap();
    check("gather", &input(&[3, 4], -1.0, 1.0), |x| x.gather(1, &picks)?.square());
}

#[test]
fn losses() {
    let classes = Tensor::from_slice(&[2i32, 0, 1], &[3]).unwrap();
    check("cross_entropy", &input(&[3, 4], -2.0, 2.0), |x| x.cross_entropy(&classes));
    let shares = input(&[3, 4], 0.0, 1.0);
    check("cross_entropy of shares", &input(&[3, 4], -2.0, 2.0), |x| x.cross_entropy(&shares));
    let picture = Tensor::from_slice(&[2i32, 0, 1, 3], &[2, 2]).unwrap();
    check("cross_entropy of images", &input(&[2, 4, 2], -2.0, 2.0), |x| x.cross_entropy(&picture));
    check("mse", &input(&[3, 4], -2.0, 2.0), |x| x.mse(&shares));
    check("binary_cross_entropy", &input(&[3, 4], 0.1, 0.9), |x| x.binary_cross_entropy(&shares));
}

#[test]
fn gradients_of_gradients() {
    let image = input(&[1, 2, 5, 4], -1.0, 1.0);
    let filter = input(&[2, 2, 2, 2], -0.5, 0.5);
    let stride = Conv2dOptions { stride: [2, 1], ..Conv2dOptions::default() };
    type F<'a> = Box<dyn Fn(&Tensor) -> Result<Tensor> + 'a>;
    let cases: Vec<(&str, Tensor, F)> = vec![
        ("x³", input(&[4], -1.0, 1.0), Box::new(|x| x.pow(3))),
        ("tanh", input(&[4], -1.0, 1.0), Box::new(|x| x.tanh())),
        ("softmax", input(&[2, 3], -1.0, 1.0), Box::new(|x| x.softmax(-1))),
        ("matmul", input(&[3, 3], -1.0, 1.0), Box::new(|x| x.matmul(x)?.square())),
        ("conv2d", image, Box::new(|x| x.conv2d(&filter, None, stride)?.square())),
        ("max", input(&[2, 3], -1.0, 1.0), Box::new(|x| x.square()?.max(1, false)?.square())),
    ];
    for (name, x, f) in cases {
        check(&format!("{name}, twice"), &x, |x| {
            let loss = f(x)?.sum((), false)?;
            grad(&loss, &[x])?[0].square()
        });
    }
}

#[test]
fn special_points_follow_pytorch() {
    let at = |values: &[f32], f: fn(&Tensor) -> Result<Tensor>| {
        let x = Tensor::from_slice(values, &[values.len()]).unwrap();
        let loss = f(&x).unwrap().sum((), false).unwrap();
        grad(&loss, &[&x]).unwrap()[0].to_vec::<f32>().unwrap()
    };
    assert_eq!(at(&[0.0, -1.0], |x| x.relu()), [0.0, 0.0]);
    assert_eq!(at(&[0.0], |x| x.abs()), [0.0]);
    assert_eq!(at(&[0.0], |x| x.softplus()), [0.5]);
    assert_eq!(at(&[0.5, -0.5], |x| x.clip(-0.5, 0.5)), [1.0, 1.0]);
    assert_eq!(at(&[0.0, 4.0], |x| x.pow(1.5)), [0.0, 3.0]);
    assert_eq!(at(&[0.0, 2.0, 3.0], |x| x.prod((), false)), [6.0, 0.0, 0.0]);
    assert_eq!(at(&[100.0, -200.0], |x| x.elu(1.0)), [1.0, 0.0]);
    assert_eq!(at(&[3.0, 3.0, 1.0], |x| x.max((), false)), [0.5, 0.5, 0.0]);
    assert_eq!(at(&[1.5, -0.5], |x| x.floor()), [0.0, 0.0]);
}

#[test]
fn backward_fills_and_adds_up() {
    let x = Tensor::from_slice(&[1f32, 2.0, 3.0], &[3]).unwrap();
    x.square().unwrap().sum((), false).unwrap().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec::<f32>().unwrap(), [2.0, 4.0, 6.0]);
    x.square().unwrap().sum((), false).unwrap().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec::<f32>().unwrap(), [4.0, 8.0, 12.0]);
}

#[test]
fn only_tensors_that_require_it_receive_a_gradient() {
    let x = Tensor::from_slice(&[1f32, 2.0], &[2]).unwrap();
    let w = Tensor::from_slice(&[3f32, 4.0], &[2]).unwrap();
    w.set_requires_grad(true).unwrap();
    x.mul(&w).unwrap().sum((), false).unwrap().backward().unwrap();
    assert!(x.grad().is_none());
    assert_eq!(w.grad().unwrap().to_vec::<f32>().unwrap(), [1.0, 2.0]);
}

#[test]
fn equal_parameters_stay_apart() {
    let (a, b) = (Tensor::zeros(&[2]).unwrap(), Tensor::zeros(&[2]).unwrap());
    a.set_requires_grad(true).unwrap();
    b.set_requires_grad(true).unwrap();
    a.mul(2).unwrap().add(b.mul(3).unwrap()).unwrap().sum((), false).unwrap().backward().unwrap();
    assert_eq!(a.grad().unwrap().to_vec::<f32>().unwrap(), [2.0, 2.0]);
    assert_eq!(b.grad().unwrap().to_vec::<f32>().unwrap(), [3.0, 3.0]);
}

#[test]
fn a_read_value_keeps_its_history() {
    let w = Tensor::from_slice(&[3f32], &[1]).unwrap();
    w.set_requires_grad(true).unwrap();
    let y = w.square().unwrap();
    assert_eq!(y.to_vec::<f32>().unwrap(), [9.0]);
    y.sum((), false).unwrap().backward().unwrap();
    assert_eq!(w.grad().unwrap().to_vec::<f32>().unwrap(), [6.0]);
}

#[test]
fn no_gradient_through_detach_and_no_grad() {
    let w = Tensor::from_slice(&[3f32], &[1]).unwrap();
    w.set_requires_grad(true).unwrap();
    let half = w.detach().mul(&w).unwrap().sum((), false).unwrap();
    half.backward().unwrap();
    assert_eq!(w.grad().unwrap().to_vec::<f32>().unwrap(), [3.0]);
    let cut = no_grad(|| w.square().unwrap().sum((), false).unwrap());
    assert_eq!(cut.item().unwrap(), 9.0);
    let error = cut.backward().unwrap_err();
    assert!(error.to_string().contains("requires a gradient"), "{error}");
}

#[test]
fn dropout_scales_what_it_keeps() {
    manual_seed(3);
    let x = input(&[1000], 1.0, 2.0);
    let y = playgrad::tensor::with_training(true, || x.dropout(0.25).unwrap());
    let loss = y.sum((), false).unwrap();
    let slopes = grad(&loss, &[&x]).unwrap()[0].to_vec::<f32>().unwrap();
    let kept = slopes.iter().filter(|s| **s > 0.0).count();
    assert!(slopes.iter().all(|s| *s == 0.0 || (s - 4.0 / 3.0).abs() < 1e-6));
    assert!((700..800).contains(&kept), "{kept}");
    assert_eq!(x.dropout(0.25).unwrap().to_vec::<f32>().unwrap(), x.to_vec::<f32>().unwrap());
}
