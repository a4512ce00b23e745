//! Second derivatives of every method of the table, at the inputs of its cases, against differences of gradients.

#[path = "reference/load.rs"]
#[allow(dead_code, reason = "other tests read the stored values too")]
mod load;

use load::Case;
use playgrad::{DType, Result, Tensor, methods::Value, runtime};

fn numbers(x: &Tensor) -> Result<Vec<f64>> {
    x.cast(DType::F64)?.to_vec()
}

fn floats(value: Value) -> Vec<Tensor> {
    match value {
        Value::Tensor(t) if t.dtype().is_float() => vec![t],
        Value::List(list) => list.into_iter().flat_map(floats).collect(),
        _ => Vec::new(),
    }
}

fn fixed(n: usize, phase: f64) -> Vec<f64> {
    (0..n).map(|i| (phase + i as f64 * 1.3).sin()).collect()
}

/// `Σ d·∇Σ w·f(x)`, a scalar, with the float64 leaves among `x`.
fn slope(case: &Case, x: &[Tensor], leaves: &[&Tensor]) -> Result<Option<Tensor>> {
    let weighed = |t: &Tensor, phase: f64| -> Result<Tensor> {
        t.cast(DType::F64)?.mul(Tensor::from_slice(&fixed(t.numel(), phase), &t.shape())?)?.sum((), false)
    };
    let parts = |list: &[Tensor], phase: f64| -> Result<Option<Tensor>> {
        list.iter().map(|t| weighed(t, phase)).reduce(|a, b| a?.add(b?)).transpose()
    };
    let Some(loss) = parts(&floats(case.run(x)?), 0.4)? else { return Ok(None) };
    parts(&loss.gradient(leaves, None, true)?, 2.1)
}

/// How far the derivative of the slope is from differences, as a part of its size; none where differences tell
/// nothing, as at a kink.
fn apart(case: &Case) -> Result<Option<f64>> {
    let drawn = case.draw()?;
    let same = |(a, b): (&Tensor, &Tensor)| a.shape() == b.shape();
    let rounds = |x: &Tensor| x.dtype().is_float() && x.dtype().size() < 4;
    if !drawn.leaves.iter().zip(&drawn.viewed).all(same) || drawn.leaves.iter().any(rounds) {
        return Ok(None);
    }
    let at = |step: f64| -> Result<Vec<Tensor>> {
        let moved = |x: &Tensor| {
            if x.dtype() != DType::F32 && x.dtype() != DType::F64 {
                return Ok(x.clone());
            }
            let direction = fixed(x.numel(), 5.0);
            let values: Vec<f64> = numbers(x)?.iter().zip(direction).map(|(v, d)| v + step * d).collect();
            Tensor::from_slice(&values, &x.shape())
        };
        drawn.leaves.iter().map(moved).collect()
    };
    let wide = |x: &[Tensor]| x.iter().filter(|t| t.dtype() == DType::F64).cloned().collect::<Vec<_>>();
    let x = at(0.0)?;
    let leaves = wide(&x);
    let leaves: Vec<&Tensor> = leaves.iter().collect();
    let Some(first) = slope(case, &x, &leaves)? else { return Ok(None) };
    let mut exact = 0.0;
    for g in first.gradient(&leaves, None, true)? {
        exact += numbers(&g)?.iter().zip(fixed(g.numel(), 5.0)).map(|(g, d)| g * d).sum::<f64>();
    }
    let value = |step: f64| -> Result<f64> {
        let x = at(step)?;
        let leaves = wide(&x);
        let slope = slope(case, &x, &leaves.iter().collect::<Vec<_>>())?;
        slope.expect("as at the point itself").item()
    };
    let difference = |h: f64| -> Result<f64> { Ok((value(h)? - value(-h)?) / (2.0 * h)) };
    let (wide, narrow) = (difference(2e-4)?, difference(1e-4)?);
    let size = 1.0 + narrow.abs().max(exact.abs());
    let lost = first.item()?.abs() * f64::EPSILON / 1e-4;
    let clear = lost < 1e-4 * size && (wide - narrow).abs() < 1e-3 * size;
    Ok(clear.then(|| (exact - narrow).abs() / size))
}

#[test]
fn second_derivatives_are_the_slopes_of_gradients() {
    runtime::set_default("cpu").unwrap();
    let (mut checked, mut unclear, mut failures) = (0, 0, Vec::new());
    for case in load::load().iter().filter(|c| c.grads.is_some()) {
        match apart(case) {
            Ok(Some(apart)) if apart < 3e-3 => checked += 1,
            Ok(Some(apart)) => failures.push(format!("{}: apart by {apart:.1e}", case.name)),
            Ok(None) => unclear += 1,
            Err(e) => failures.push(format!("{}: {e}", case.name)),
        }
    }
    println!("{checked} cases agree; {unclear} not compared: views, or kinks within the step");
    assert!(failures.is_empty(), "{} cases:\n{}", failures.len(), failures.join("\n"));
    assert!(checked > 100, "{checked}");
}
