//! Gradients against finite differences, gradients of gradients, and the rules of `backward`.

use playgrad::{
    error::Result,
    grad::grad,
    nn::{BatchNorm, Module},
    runtime,
    tensor::{AttentionOptions, Conv2dOptions, Pool2dOptions, Tensor, manual_seed, no_grad, with_training},
};

type Loss = fn(&[Tensor]) -> Result<Tensor>;

/// Smooth losses with the shapes of their inputs, which lie in [0.3, 1.7].
const LOSSES: [(&str, &[&[usize]], Loss); 13] = [
    ("powers", &[&[5]], |x| x[0].pow(3)?.sub(&x[0].sqrt()?)?.sum((), false)),
    ("quotient", &[&[2, 3], &[3]], |x| x[0].div(&x[1].square()?)?.sum((), false)),
    ("waves", &[&[4]], |x| x[0].sin()?.mul(&x[0].exp()?)?.sum((), false)),
    ("tanh network", &[&[3, 2], &[2, 4], &[4, 1]], |x| {
        x[0].matmul(&x[1])?.tanh()?.matmul(&x[2])?.sigmoid()?.square()?.mean((), false)
    }),
    ("softmax", &[&[3, 4], &[3, 4]], |x| x[0].softmax(-1)?.mul(&x[1])?.sum((), false)),
    ("cross entropy", &[&[3, 4]], |x| x[0].mul(2.0)?.cross_entropy(&Tensor::from_slice(&[1, 0, 3], &[3])?)),
    ("layer norm", &[&[2, 5], &[5]], |x| x[0].layer_norm(-1, 1e-5)?.mul(&x[1])?.tanh()?.sum((), false)),
    ("batch norm", &[&[4, 2]], |x| {
        let norm = BatchNorm::new(2, true, 1e-5, 0.1)?;
        with_training(true, || norm.forward(&x[0]))?.pow(3)?.sum((), false)
    }),
    ("convolution", &[&[1, 2, 5, 5], &[3, 2, 3, 3]], |x| {
        let options = Conv2dOptions { stride: vec![2], padding: vec![1], ..Conv2dOptions::default() };
        x[0].conv2d(&x[1], None, options)?.mul(0.2)?.tanh()?.sum((), false)
    }),
    ("transposed convolution", &[&[1, 2, 3, 2], &[2, 3, 2, 3]], |x| {
        let options = Conv2dOptions { stride: vec![2], padding: vec![1], ..Conv2dOptions::default() };
        x[0].conv_transpose2d(&x[1], None, options, &[1])?.mul(0.2)?.tanh()?.sum((), false)
    }),
    ("attention", &[&[2, 3, 2], &[2, 3, 2], &[2, 3, 2]], |x| {
        let options = AttentionOptions { causal: true, ..AttentionOptions::default() };
        x[0].scaled_dot_product_attention(&x[1], &x[2], options)?.square()?.sum((), false)
    }),
    ("mean pool", &[&[1, 1, 5, 5]], |x| {
        let options = Pool2dOptions { stride: Some(vec![1]), ..Pool2dOptions::default() };
        x[0].avg_pool2d(&[2, 2], options)?.square()?.sum((), false)
    }),
    ("rows picked twice", &[&[3, 2]], |x| {
        x[0].index(&Tensor::from_slice(&[2, 0, 2], &[3])?)?.prod(0, false)?.square()?.sum((), false)
    }),
];

fn cpu() {
    runtime::set_default("cpu").unwrap();
    manual_seed(7);
}

fn drawn(shapes: &[&[usize]]) -> Vec<Vec<f32>> {
    shapes.iter().map(|s| Tensor::uniform(s, 0.3, 1.7).unwrap().to_vec().unwrap()).collect()
}

fn tensors(values: &[Vec<f32>], shapes: &[&[usize]]) -> Vec<Tensor> {
    let leaf = |(v, s): (&Vec<f32>, &&[usize])| {
        let leaf = Tensor::from_slice(v, s).unwrap();
        leaf.set_requires_grad(true).unwrap();
        leaf
    };
    values.iter().zip(shapes).map(leaf).collect()
}

fn gradients(loss: &Tensor, x: &[Tensor]) -> Vec<Tensor> {
    grad(loss, &x.iter().collect::<Vec<_>>()).unwrap()
}

/// Compares with `(f(x + εv) − f(x − εv)) / 2ε` for every value of every input.
fn check_slopes(name: &str, shapes: &[&[usize]], f: &dyn Fn(&[Tensor]) -> Tensor) {
    const STEP: f32 = 5e-3;
    let values = drawn(shapes);
    let x = tensors(&values, shapes);
    let exact = gradients(&f(&x), &x);
    for (i, exact) in exact.iter().enumerate() {
        for (j, exact) in exact.to_vec::<f32>().unwrap().into_iter().enumerate() {
            let at = |step: f32| {
                let mut moved = values.clone();
                moved[i][j] += step;
                f(&tensors(&moved, shapes)).item().unwrap()
            };
            let slope = (at(STEP) - at(-STEP)) / f64::from(2.0 * STEP);
            let error = (slope - f64::from(exact)).abs();
            assert!(
                error < 2e-3 + 1e-2 * slope.abs(),
                "{name}: input {i}[{j}]: {exact}, by differences {slope}"
            );
        }
    }
}

#[test]
fn gradients_are_the_slopes() {
    cpu();
    for (name, shapes, loss) in LOSSES {
        check_slopes(name, shapes, &|x| loss(x).unwrap());
    }
}

#[test]
fn gradients_of_gradients_are_the_slopes_of_gradients() {
    cpu();
    for (name, shapes, loss) in LOSSES {
        let directions = tensors(&drawn(shapes), shapes);
        check_slopes(name, shapes, &|x| {
            let first = gradients(&loss(x).unwrap(), x);
            let along = first
                .iter()
                .zip(&directions)
                .map(|(g, d)| g.mul(d.detach()).unwrap().sum((), false).unwrap());
            along.reduce(|a, b| a.add(&b).unwrap()).unwrap()
        });
    }
}

#[test]
fn derivatives_go_on() {
    cpu();
    let x = Tensor::from_slice(&[0.5f32, -1.5, 2.0], &[3]).unwrap();
    x.set_requires_grad(true).unwrap();
    let mut y = x.pow(4).unwrap();
    for expected in [|v: f32| 4.0 * v.powi(3), |v| 12.0 * v * v, |v| 24.0 * v, |_| 24.0] {
        y = grad(&y.sum((), false).unwrap(), &[&x]).unwrap().remove(0);
        let values = y.to_vec::<f32>().unwrap();
        for (got, v) in values.iter().zip([0.5, -1.5, 2.0]) {
            assert!((got - expected(v)).abs() < 1e-3, "{values:?}");
        }
    }
}

#[test]
fn the_micrograd_example() -> Result<()> {
    cpu();
    let (a, b) = (Tensor::scalar(-4.0)?, Tensor::scalar(2.0)?);
    let c = a.add(&b)?;
    let d = a.mul(&b)?.add(&b.pow(3)?)?;
    let c = c.add(&c)?.add(1.0)?;
    let c = c.add(&c.add(1.0)?)?.sub(&a)?;
    let d = d.mul(3.0)?.add(&b.add(&a)?.relu()?)?;
    let d = d.mul(4.0)?.add(&b.sub(&a)?.relu()?)?;
    let f = c.sub(&d)?.square()?;
    let g = f.div(2.0)?.add(&Tensor::scalar(10.0)?.div(&f)?)?;
    g.backward()?;
    for (got, expected) in [(&g, 24.7041), (&a.grad().unwrap(), 138.8338), (&b.grad().unwrap(), 645.5773)] {
        assert!((got.item()? - expected).abs() < 1e-3, "{} for {expected}", got.item()?);
    }
    Ok(())
}

#[test]
fn backward_adds_up_until_the_gradient_is_cleared() -> Result<()> {
    cpu();
    let x = Tensor::from_slice(&[1.0f32, 2.0], &[2])?;
    for expected in [[2.0, 4.0], [4.0, 8.0]] {
        x.square()?.sum((), false)?.backward()?;
        assert_eq!(x.grad().unwrap().to_vec::<f32>()?, expected);
    }
    x.set_grad(None);
    x.square()?.sum((), false)?.backward()?;
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [2.0, 4.0]);
    Ok(())
}

#[test]
fn a_tie_in_max_pooling_shares_the_gradient() -> Result<()> {
    cpu();
    let x = Tensor::from_slice(&[1.0f32, 2.0, 0.0, 1.0, 2.0, 0.0, 0.0, 3.0], &[1, 1, 2, 4])?;
    x.max_pool2d(&[2, 2], Default::default())?.sum((), false)?.backward()?;
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [0.0, 0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 1.0]);
    Ok(())
}

#[test]
fn gradients_stop_where_they_are_told_to() -> Result<()> {
    cpu();
    let x = Tensor::from_slice(&[3.0f32], &[1])?;
    x.set_requires_grad(true)?;
    let half = x.detach().mul(&x)?.sum((), false)?;
    half.backward()?;
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [3.0]);
    let constant = no_grad(|| x.square())?;
    assert!(constant.sum((), false)?.backward().is_err());
    let unsaid = Tensor::from_slice(&[3.0f32], &[1])?;
    assert!(no_grad(|| unsaid.square())?.backward().is_err());
    assert!(x.mul(2.0)?.backward().is_ok(), "one element is a scalar enough");
    let two = Tensor::from_slice(&[1.0f32, 2.0], &[2])?;
    let error = two.mul(2.0)?.backward().unwrap_err();
    assert!(error.got.contains("[2]") && error.fix.contains("sum"), "{error}");
    Ok(())
}
