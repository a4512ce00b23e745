//! Whether results are right: small ones beside float64 on the CPU, large ones finite.

use super::cases::{Case, Size, cases};
use crate::steps::Steps;
use playgrad::{
    DType, Error, Tensor,
    error::Result,
    manual_seed,
    models::{Kind, Model},
    runtime,
    tensor::Data,
};

/// The largest difference from float64 on the CPU, relative to the largest value, of the case at its tiny size.
///
/// # Errors
/// `Data` when the difference is more than rounding explains.
pub fn against_float64(case: &Case, device: &str) -> Result<f64> {
    let tiny = cases(Size::Tiny).into_iter().find(|c| (c.op, c.dtype) == (case.op, case.dtype));
    let tiny = tiny.expect("every case has a tiny one");
    runtime::set_default(device)?;
    manual_seed(1);
    let inputs = inputs(&tiny)?;
    let got = values(&(tiny.run)(&inputs)?)?;
    let given = inputs.iter().map(values).collect::<Result<Vec<_>>>()?;
    runtime::set_default("cpu")?;
    let exact = given
        .iter()
        .zip(&tiny.shapes)
        .map(|(values, shape)| Tensor::from_slice(values, shape))
        .collect::<Result<Vec<_>>>()?;
    let want = values(&(tiny.run)(&exact)?)?;
    runtime::set_default(device)?;
    let limit = match case.dtype {
        DType::F32 => 1e-4,
        DType::F16 => 4e-3,
        _ => 3e-2,
    };
    within(&case.name(), &got, &want, limit)
}

/// How far the losses of a few training steps are from the CPU's, relative to the largest.
///
/// # Errors
/// As for `against_float64`.
pub fn against_cpu(model: &str, optimizer: &str, device: &str) -> Result<f64> {
    let losses = |device: &str| -> Result<Vec<f64>> {
        runtime::set_default(device)?;
        let mut steps = training(model, optimizer, 4)?;
        (0..4).map(|_| steps.step()?.item()).collect()
    };
    let want = losses("cpu")?;
    within(&format!("train {model}"), &losses(device)?, &want, 1e-3)
}

fn within(name: &str, got: &[f64], want: &[f64], limit: f64) -> Result<f64> {
    let scale = want.iter().fold(0.0, |most: f64, w| most.max(w.abs()));
    let worst = got.iter().zip(want).fold(0.0, |most: f64, (g, w)| {
        let off = (g - w).abs() / scale;
        if off > most || off.is_nan() { off } else { most }
    });
    if worst <= limit && got.len() == want.len() {
        return Ok(worst);
    }
    let expected = format!("at most {limit:e} of the largest value");
    Err(Error::data(
        "bench",
        format!("{name} that is {worst:e} off"),
        expected,
        "report this device as broken",
    ))
}

pub fn inputs(case: &Case) -> Result<Vec<Tensor>> {
    let one = |shape: &Vec<usize>| Tensor::uniform(shape, -1.0, 1.0)?.cast(case.dtype)?.realize();
    case.shapes.iter().map(one).collect()
}

/// # Errors
/// `Data` where a value is infinite or not a number.
pub fn finite(name: &str, result: &Tensor) -> Result<()> {
    if result.isfinite()?.all((), false)?.item()? == 1.0 {
        return Ok(());
    }
    Err(Error::data("bench", format!("{name} with values that are not finite"), "numbers", "report this"))
}

fn values(t: &Tensor) -> Result<Vec<f64>> {
    let data: Data = playgrad::tensor::block_on(t.data())?;
    Ok((0..data.len()).map(|i| data.get(i)).collect())
}

/// A model with weights of a fixed seed, to be trained on one batch of generated rows.
pub fn training(model: &str, optimizer: &str, batch: usize) -> Result<Steps> {
    manual_seed(42);
    let mut model = Model::new(model)?;
    let (x, labels) = match model.kind() {
        Kind::Xor => playgrad::data::xor().tensors()?,
        Kind::Images => playgrad::data::digits(batch, 1).tensors()?,
        Kind::Tokens { length, vocabulary } => {
            playgrad::data::counting(batch, length, vocabulary, 1).tensors()?
        }
    };
    // All rows in every step: others can repeat it.
    model.batch = None;
    let optimizer = model.optimizer(optimizer, None)?;
    Ok(Steps::new(model, optimizer, x, labels))
}
