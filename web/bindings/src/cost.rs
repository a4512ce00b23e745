//! Measures how fast a device is, in a few milliseconds.

use playgrad::{
    Result, Tensor,
    graph::DType,
    runtime::cost::{Cost, Costs},
};
use wasm_bindgen::prelude::*;

/// Products in the longer measurement.
const MANY: u32 = 5;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    pub fn now() -> f64;
}

pub async fn costs() -> Result<Costs> {
    Ok(Costs { cpu: measure("cpu", 128).await?, gpu: measure("webgpu", 256).await? })
}

/// Times products of matrices: one, and several with one wait at the end.
async fn measure(device: &str, size: usize) -> Result<Cost> {
    let matrix = Tensor::full(&[size, size], 1.0 / size as f64, DType::F32)?.to(device).await?;
    let seconds = async |products: u32| -> Result<f64> {
        let start = now();
        let mut x = matrix.clone();
        for _ in 0..products {
            x = x.matmul(&matrix)?;
            x.realize()?;
        }
        x.data().await?;
        Ok((now() - start) / 1000.0)
    };
    // Kernels get compiled.
    seconds(MANY).await?;
    let (once, many) = (seconds(1).await?, seconds(MANY).await?);
    Ok(Cost::from_times(2.0 * (size as f64).powi(3), once, f64::from(MANY), many))
}
