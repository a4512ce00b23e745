//! Decompositions of matrices beyond their cases: second derivatives, kernels a step, refusals.

use playgrad::{
    Kind, Result, Tensor, runtime, schedule,
    tensor::{block_on, gradcheck},
};

fn matrix(m: usize, n: usize) -> Tensor {
    let values: Vec<f64> = (0..m * n).map(|i| (1.0 + i as f64 * i as f64 * 0.7).sin()).collect();
    Tensor::from_slice(&values, &[m, n]).unwrap()
}

/// Functions of every factor that do not depend on signs, nor on how bases are completed.
fn of_qr(x: &Tensor) -> Result<Tensor> {
    let (q, r) = x.qr()?;
    let (m, k) = (x.shape()[0], x.shape()[0].min(x.shape()[1]));
    let rest = q.shrink(&[(0, m), (k, m)])?;
    let left = rest.matmul(&rest.transpose(0, 1)?)?.mul(matrix(m, m))?.sum((), false)?;
    q.shrink(&[(0, m), (0, k)])?.pow(3)?.sum((), false)?.add(r.sin()?.sum((), false)?)?.add(left)
}

fn of_svd(x: &Tensor) -> Result<Tensor> {
    let k = x.shape()[0].min(x.shape()[1]);
    let (u, s, vh) = x.svd(true)?;
    let powers = |x: Tensor, by: &Tensor| x.square()?.mul(by)?.sum((), false);
    let (m, n) = (u.shape()[0], vh.shape()[0]);
    let left = powers(u.shrink(&[(0, m), (0, k)])?, &matrix(m, k))?;
    let right = powers(vh.shrink(&[(0, k), (0, n)])?, &matrix(k, n))?;
    left.add(right)?.add(s.pow(3)?.sum((), false)?)
}

#[test]
fn gradients_differentiate_again() -> Result<()> {
    runtime::set_default("cpu")?;
    for (m, n) in [(2, 2), (3, 3), (4, 2), (2, 4)] {
        for of in [of_qr, of_svd] {
            let x = matrix(m, n);
            block_on(gradcheck(|x| of(&x[0]), &[&x], None))?;
            block_on(gradcheck(|x| Ok(of(&x[0])?.gradient(&[&x[0]], None, false)?.remove(0)), &[&x], None))?;
        }
    }
    Ok(())
}

#[test]
fn singular_values_have_a_gradient_where_they_are_equal_or_zero() -> Result<()> {
    runtime::set_default("cpu")?;
    let x = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 1.0], &[2, 2])?;
    x.svd(true)?.1.shrink(&[(0, 1)])?.sum((), false)?.backward()?;
    for slope in x.grad().unwrap().to_vec::<f32>()? {
        assert!((slope - 0.5).abs() < 1e-5, "{slope}");
    }
    let x = Tensor::eye(3)?.contiguous().realize()?;
    let total = x.svd(true)?.1.sum((), false)?;
    let slopes = total.gradient(&[&x], None, false)?.remove(0).to_vec::<f32>()?;
    assert_eq!(slopes, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    Ok(())
}

fn kernels(of: impl Fn() -> Result<Tensor>) -> Result<u64> {
    runtime::set_default("null")?;
    let before = schedule::stats().kernels;
    of()?.realize()?;
    Ok(schedule::stats().kernels - before)
}

#[test]
fn steps_cost_a_few_kernels() -> Result<()> {
    for n in [8, 16] {
        let x = Tensor::from_slice(&vec![1.0f32; 1024 * n * n], &[1024, n, n])?;
        let (qr, svd) = (kernels(|| Ok(x.qr()?.0))?, kernels(|| Ok(x.svd(true)?.0))?);
        println!("{n}: {qr} kernels for qr, {svd} for svd");
        let (reflections, rounds) = (n as u64 - 1, (n as u64 - 1) * (3 + u64::from(n.ilog2())));
        assert!(qr <= 3 * reflections + 5, "{qr}");
        assert!(svd <= 2 * rounds + 3 * reflections + 12, "{svd}");
    }
    Ok(())
}

#[test]
fn refusals_say_what_fits() {
    let vector = Tensor::ones(&[3]).unwrap();
    assert_eq!(vector.qr().unwrap_err().kind, Kind::Shape);
    assert_eq!(vector.svd(true).unwrap_err().kind, Kind::Shape);
    let whole = Tensor::ones(&[2, 2]).unwrap().int().unwrap();
    assert_eq!(whole.qr().unwrap_err().kind, Kind::DType);
    assert_eq!(whole.svd(false).unwrap_err().kind, Kind::DType);
}
