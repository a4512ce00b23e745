//! Derivatives of functions: products with Jacobians and Hessians, own gradients, computing again.

use playgrad::{
    Kind, Result, Tensor, grad, no_grad, runtime, schedule,
    tensor::{block_on, checkpoint, gradcheck, hvp, jvp, realize_all, vjp},
};

fn cpu() {
    runtime::set_default("cpu").unwrap();
}

fn leaf(values: &[f32]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

fn values(x: &Tensor) -> Vec<f32> {
    x.to_vec::<f32>().unwrap()
}

fn close(got: &Tensor, want: &[f32]) {
    let got = values(got);
    assert_eq!(got.len(), want.len());
    for (g, w) in got.iter().zip(want) {
        assert!((g - w).abs() <= 1e-5 + 1e-4 * w.abs(), "{got:?} for {want:?}");
    }
}

#[test]
fn products_with_jacobians() -> Result<()> {
    cpu();
    let (x, v) = (leaf(&[0.5, -1.0, 2.0]), leaf(&[1.0, 2.0, -1.0]));
    let f = |x: &[Tensor]| x[0].square()?.mul(x[0].sum((), false)?);
    let (y, along) = jvp(f, &[&x], &[&v])?;
    close(&y, &[0.375, 1.5, 6.0]);
    // d(x²·s)·v = 2xv·s + x²·Σv, with s = 1.5 and Σv = 2.
    close(&along, &[2.0, -4.0, 2.0]);
    let (_, back) = vjp(f, &[&x], Some(&v))?;
    // 2xvs + Σ v·x²
    close(&back[0], &[1.5 - 1.75, -6.0 - 1.75, -6.0 - 1.75]);
    let (_, cut) = no_grad(|| jvp(f, &[&x], &[&v]))?;
    close(&cut, &[2.0, -4.0, 2.0]);
    Ok(())
}

#[test]
fn products_with_hessians() -> Result<()> {
    cpu();
    let (x, y) = (leaf(&[1.0, 2.0]), leaf(&[3.0, -1.0]));
    let (u, v) = (leaf(&[1.0, 0.5]), leaf(&[0.0, 2.0]));
    // f = Σ x³·y: f_xx = 6xy, f_xy = 3x²
    let f = |x: &[Tensor]| x[0].pow(3)?.mul(&x[1])?.sum((), false);
    let (value, products) = hvp(f, &[&x, &y], &[&u, &v])?;
    assert_eq!(value.item()?, -5.0);
    close(&products[0], &[18.0, -6.0 + 24.0]);
    close(&products[1], &[3.0, 6.0]);
    let zeros = Tensor::zeros(&[2])?;
    close(&hvp(|x| x[0].pow(3)?.sum((), false), &[&zeros], &[&u])?.1[0], &[0.0, 0.0]);
    Ok(())
}

#[test]
fn gradients_of_any_shape() -> Result<()> {
    cpu();
    let (x, g, other) = (leaf(&[1.0, -2.0]), leaf(&[3.0, 4.0]), leaf(&[1.0]));
    let y = x.square()?;
    close(&y.gradient(&[&x], Some(&g), false)?[0], &[6.0, -16.0]);
    close(&y.gradient(&[&other], Some(&g), true)?[0], &[0.0]);
    y.backward_from(Some(&g))?;
    close(&x.grad().unwrap(), &[6.0, -16.0]);
    let kind = |r: Result<Vec<Tensor>>| r.unwrap_err().kind;
    assert_eq!(kind(y.gradient(&[&x], None, false)), Kind::Shape);
    assert_eq!(kind(y.gradient(&[&x], Some(&other), false)), Kind::Shape);
    assert_eq!(kind(y.gradient(&[&other], Some(&g), false)), Kind::Argument);
    assert_eq!(kind(y.int()?.gradient(&[&x], None, false)), Kind::DType);
    assert_eq!(kind(y.gradient(&[&x.int()?], Some(&g), true)), Kind::DType);
    assert_eq!(jvp(|x| x[0].exp(), &[&x], &[]).unwrap_err().kind, Kind::Argument);
    assert_eq!(jvp(|x| x[0].exp(), &[&x], &[&other]).unwrap_err().kind, Kind::Shape);
    assert_eq!(hvp(|x| x[0].exp(), &[&x], &[&g]).unwrap_err().kind, Kind::Shape);
    assert_eq!(vjp(|x| x[0].exp(), &[&x.int()?], None).unwrap_err().kind, Kind::DType);
    Ok(())
}

#[test]
fn an_own_gradient_replaces_the_rule_and_differentiates_again() -> Result<()> {
    cpu();
    let x = leaf(&[0.5, -1.5]);
    x.set_requires_grad(true)?;
    let cube = |x: &Tensor| {
        no_grad(|| x.pow(3))?.custom_grad(&[x], |g, _, x| Ok(vec![Some(g.mul(x[0].square()?.mul(3.0)?)?)]))
    };
    let y = cube(&x)?;
    close(&y, &[0.125, -3.375]);
    let first = grad(&y.sum((), false)?, &[&x])?.remove(0);
    close(&first, &[0.75, 6.75]);
    close(&grad(&first.sum((), false)?, &[&x])?[0], &[3.0, -9.0]);
    // The output is given with its own rule: the gradient of exp is exp.
    let exp = no_grad(|| x.exp())?.custom_grad(&[&x], |g, y, _| Ok(vec![Some(g.mul(y)?)]))?;
    let second = grad(&grad(&exp.sum((), false)?, &[&x])?[0].sum((), false)?, &[&x])?;
    close(&second[0], &[0.5f32.exp(), (-1.5f32).exp()]);
    let (_, along) = jvp(|x| cube(&x[0]), &[&x], &[&leaf(&[2.0, 1.0])])?;
    close(&along, &[1.5, 6.75]);
    Ok(())
}

#[test]
fn an_own_gradient_is_checked() -> Result<()> {
    cpu();
    let x = leaf(&[0.5, -1.5]);
    let run = |made: fn(&Tensor) -> Vec<Option<Tensor>>| {
        let y = x.exp()?.custom_grad(&[&x], move |g, _, _| Ok(made(g)))?;
        grad(&y.sum((), false)?, &[&x])
    };
    assert_eq!(run(|_| vec![]).unwrap_err().kind, Kind::Argument);
    assert_eq!(run(|g| vec![Some(g.sum((), false).unwrap())]).unwrap_err().kind, Kind::Shape);
    close(&run(|_| vec![None])?[0], &[0.0, 0.0]);
    assert_eq!(x.int()?.custom_grad(&[&x], |_, _, _| Ok(vec![])).unwrap_err().kind, Kind::DType);
    Ok(())
}

/// `depth` layers of a network of wide hidden values, each computed again for gradients or not.
fn network(depth: usize, again: bool) -> Result<(Tensor, Vec<Tensor>, Tensor)> {
    let (rows, width) = (64, 32);
    let fill = |n: usize, shape: &[usize], s: f32| {
        let v: Vec<f32> = (0..n).map(|i| ((i * 7919) % 101) as f32 * s - 50.0 * s).collect();
        Tensor::from_slice(&v, shape)
    };
    let x = fill(rows * width, &[rows, width], 0.01)?;
    let weights = (0..2 * depth).map(|i| {
        let shape = if i % 2 == 0 { [width, 4 * width] } else { [4 * width, width] };
        fill(4 * width * width, &shape, 0.002 + i as f32 * 1e-5)
    });
    let weights: Vec<Tensor> = weights.collect::<Result<_>>()?;
    let mut h = x.clone();
    for pair in weights.chunks(2) {
        let layer = |h: &[Tensor]| h[0].matmul(&pair[0])?.tanh()?.matmul(&pair[1])?.tanh();
        h = if again { checkpoint(layer, &[&h])? } else { layer(&[h])? };
    }
    Ok((h.square()?.mean((), false)?, weights, x))
}

fn loss_and_gradients(depth: usize, again: bool) -> Result<Vec<Tensor>> {
    let (loss, weights, x) = network(depth, again)?;
    let targets: Vec<&Tensor> = weights.iter().chain([&x]).collect();
    let mut all = grad(&loss, &targets)?;
    all.push(loss);
    Ok(all)
}

/// Kernels and peak memory of a loss with its gradients, on a device of its own.
fn cost(depth: usize, again: bool) -> (u64, usize) {
    let work = move || {
        runtime::set_default("null").unwrap();
        realize_all(&loss_and_gradients(depth, again).unwrap()).unwrap();
        let device = runtime::device("null").unwrap();
        (schedule::stats().kernels, device.counters().peak_bytes)
    };
    std::thread::spawn(work).join().unwrap()
}

#[test]
fn computing_again_takes_less_memory_and_more_kernels() {
    let ((kernels, kept), (more, less)) = (cost(8, false), cost(8, true));
    println!("kept: {kernels} kernels, {kept} bytes; again: {more} kernels, {less} bytes");
    assert!(more > kernels && more <= kernels + 2 * 8);
    assert!(2 * less < kept);
}

#[test]
fn computing_again_changes_no_bit() -> Result<()> {
    cpu();
    let bits = |again| -> Result<Vec<Vec<u32>>> {
        let all = loss_and_gradients(3, again)?;
        realize_all(&all)?;
        Ok(all.iter().map(|t| values(t).into_iter().map(f32::to_bits).collect()).collect())
    };
    assert!(bits(false)? == bits(true)?);
    Ok(())
}

#[test]
fn computing_again_nests_and_differentiates_again() -> Result<()> {
    cpu();
    let (x, w) = (leaf(&[0.5, -1.0, 0.25]), leaf(&[1.5, 0.5, -2.0]));
    x.set_requires_grad(true)?;
    w.set_requires_grad(true)?;
    let inner = |x: &[Tensor]| x[0].mul(&w)?.tanh()?.exp();
    let plain = |x: &[Tensor]| inner(&[inner(x)?.sin()?]);
    let nested = |x: &[Tensor]| {
        let half = |x: &[Tensor]| checkpoint(inner, &[&x[0]])?.sin();
        checkpoint(|x| inner(&[half(x)?]), &[&x[0]])
    };
    let all = |f: &dyn Fn(&[Tensor]) -> Result<Tensor>| -> Result<Vec<Vec<f32>>> {
        let first = grad(&f(std::slice::from_ref(&x))?.sum((), false)?, &[&x, &w])?;
        let slope = first[0].square()?.add(first[1].sin()?)?.sum((), false)?;
        let second = grad(&slope, &[&x, &w])?;
        Ok(first.iter().chain(&second).map(values).collect())
    };
    for (got, want) in all(&nested)?.iter().zip(all(&plain)?) {
        for (g, w) in got.iter().zip(&want) {
            assert!((g - w).abs() <= 1e-5 + 1e-5 * w.abs(), "{got:?} for {want:?}");
        }
    }
    Ok(())
}

#[test]
fn products_have_gradients_to_every_order() -> Result<()> {
    cpu();
    let x = leaf(&[2.0, 0.0, 3.0, 5.0, 0.0]);
    let ones = leaf(&[1.0; 5]);
    // Of a product, a derivative by factors i and j is the product of the others.
    let (_, second) = hvp(|x| x[0].prod((), false), &[&x], &[&ones])?;
    close(&second[0], &[0.0, 30.0, 0.0, 0.0, 30.0]);
    let one = leaf(&[2.0, 0.0, 3.0, 5.0, 1.0]);
    let (_, second) = hvp(|x| x[0].prod((), false), &[&one], &[&ones])?;
    close(&second[0], &[15.0, 15.0 + 10.0 + 6.0 + 30.0, 10.0, 6.0, 30.0]);
    Ok(())
}

#[test]
fn curvature_where_a_gradient_or_a_difference_is_zero() -> Result<()> {
    cpu();
    let (zero, one) = (leaf(&[0.0]), leaf(&[1.0]));
    let curvature = |f: fn(&Tensor) -> Result<Tensor>| {
        hvp(|x| f(&x[0])?.sum((), false), &[&zero], &[&one]).map(|(_, second)| second[0].clone())
    };
    close(&curvature(|x| x.silu())?, &[0.5]);
    close(&curvature(|x| x.mul(x.exp()?))?, &[2.0]);
    close(&curvature(|x| x.softplus())?, &[0.25]);
    close(&curvature(|x| x.logaddexp(0.0))?, &[0.25]);
    Ok(())
}

#[test]
fn gradients_are_checked_by_differences() -> Result<()> {
    cpu();
    let x = Tensor::from_slice(&[0.5f64, -1.25, 2.0, 0.75], &[2, 2])?;
    let w = Tensor::from_slice(&[1.5f64, 0.25], &[2])?;
    let worst = block_on(gradcheck(|x| x[0].mul(&x[1])?.tanh()?.exp(), &[&x, &w], None))?;
    assert!((worst.gradient - worst.by_differences).abs() < 1e-6, "{worst:?}");
    block_on(gradcheck(|x| x[0].softmax(-1)?.square(), &[&x.float()?], None))?;
    let wrong = |x: &[Tensor]| {
        let slopes = Tensor::from_slice(&[1.0f64, 1.0, 3.0, 1.0], &[2, 2])?;
        x[0].add(1.0)?.custom_grad(&[&x[0]], move |g, _, _| Ok(vec![Some(g.mul(&slopes)?)]))
    };
    let error = block_on(gradcheck(wrong, &[&x], None)).unwrap_err();
    assert!(error.kind == Kind::Data && error.got.contains("[1, 0] of input 0"), "{error}");
    let kind = |x: &[&Tensor]| block_on(gradcheck(|x| x[0].exp(), x, None)).unwrap_err().kind;
    assert_eq!(kind(&[]), Kind::Argument);
    assert_eq!(kind(&[&x.int()?]), Kind::DType);
    Ok(())
}
