//! CUDA's kernels without a GPU: golden ones compile to machine code, models train on the CPU through the shim. The
//! cases of methods are in `tests/ops.rs`, those of kernels in `tests/gpu.rs`.

#![cfg(feature = "cuda")]

#[path = "cuda/device.rs"]
mod device;

use playgrad::{
    Tensor, data as sets,
    models::{Kind, Model},
    render::{CUDA_TF32, Target},
    runtime::{self, cuda::Nvrtc},
};
use std::{fs, path::Path};

/// Name and text of every golden CUDA kernel.
fn golden() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path());
    let kernels = files.filter(|f| f.extension().is_some_and(|e| e == "cu"));
    kernels.map(|f| (f.display().to_string(), fs::read_to_string(&f).unwrap())).collect()
}

#[test]
fn golden_kernels_compile() {
    let nvrtc = match Nvrtc::find() {
        Ok(nvrtc) => nvrtc,
        Err(why) => return println!("golden CUDA kernels are not compiled: {why}"),
    };
    let kernels = golden();
    assert!(kernels.len() > 10, "{} kernels", kernels.len());
    for (name, source) in kernels {
        for arch in ["sm_80", "sm_90"] {
            let code = nvrtc.cubin(&source, arch).unwrap_or_else(|why| panic!("{name} for {arch}: {why}"));
            assert!(code.len() > 1000, "{name} for {arch}: {} bytes", code.len());
        }
    }
    assert!(nvrtc.cubin("int x = y;", "sm_90").unwrap_err().contains("undefined"));
}

/// The losses of a few steps.
fn train(device: &str, name: &str, batch: usize, steps: usize) -> Vec<f64> {
    runtime::set_default(device).unwrap();
    playgrad::manual_seed(3);
    let mut model = Model::new(name).unwrap();
    model.batch = model.batch.map(|_| batch);
    let (x, labels) = match model.kind() {
        Kind::Images => sets::digits(2 * batch, 1).tensors().unwrap(),
        Kind::Xor => sets::xor().tensors().unwrap(),
        Kind::Tokens { length, vocabulary } => {
            sets::counting(batch, length, vocabulary, 1).tensors().unwrap()
        }
    };
    let optimizer = model.optimizer("adam", None).unwrap();
    let step = |_| model.step(&optimizer, &x, &labels).unwrap().item().unwrap();
    (0..steps).map(step).collect()
}

#[test]
fn models_train_as_on_the_cpu() {
    let shim = match device::install() {
        Ok(shim) => shim,
        Err(why) => return println!("cuda on the CPU: skipped, {why}"),
    };
    for (name, batch, steps) in [
        ("xor", 4, 5),
        ("mnist-mlp", 64, 4),
        ("mnist-cnn", 8, 3),
        ("beautiful-mnist", 8, 2),
        ("gpt-nano", 4, 3),
    ] {
        shim.collect(|| drop(train("cuda", name, batch, steps)));
        let (got, want) = (train("cuda", name, batch, steps), train("cpu", name, batch, steps));
        println!("{name}: {got:?}");
        for (g, w) in got.iter().zip(&want) {
            assert!((g - w).abs() <= 2e-3 * w.abs(), "{name}: {got:?} on cuda, {want:?} on cpu");
        }
    }
    assert!(shim.ran() > 100, "{} launches", shim.ran());
}

#[test]
fn tf32_rounds_the_factors_of_products_alone() {
    let target = Target { lang: &CUDA_TF32, emulated: false, lanes: 1, matrices: None };
    let shim = match device::install_for(target) {
        Ok(shim) => shim,
        Err(why) => return println!("cuda on the CPU: skipped, {why}"),
    };
    let run = |device: &str| -> Vec<Vec<f32>> {
        runtime::set_default(device).unwrap();
        playgrad::manual_seed(5);
        let square = || Tensor::randn(&[72, 72]).unwrap().contiguous();
        let (x, y) = (square(), square());
        let products = [
            x.matmul(&y),
            x.matmul(&y.t()),
            x.t().matmul(&y),
            x.t().matmul(&y.t()),
            x.relu().unwrap().matmul(&y),
        ];
        products.into_iter().map(|p| p.unwrap().add(1.0).unwrap().to_vec().unwrap()).collect()
    };
    shim.collect(|| drop(run("cuda")));
    let (got, want) = (run("cuda"), run("cpu"));
    for (g, w) in got.iter().zip(&want) {
        let off = g.iter().zip(w).map(|(g, w)| (g - w).abs()).fold(0.0, f32::max);
        assert!((1e-4..3e-2).contains(&off), "{off} away");
    }
}

#[test]
fn launches_of_a_training_step() {
    let shim = match device::install() {
        Ok(shim) => shim,
        Err(why) => return println!("cuda on the CPU: skipped, {why}"),
    };
    for (name, batch, most) in [("mnist-mlp", 128, 8), ("beautiful-mnist", 16, 28), ("gpt-nano", 8, 84)] {
        let launched = |steps| {
            let before = shim.launched();
            shim.collect(|| drop(train("cuda", name, batch, steps)));
            shim.launched() - before
        };
        let step = launched(3) - launched(2);
        println!("{name}: {step} launches a step");
        assert!(step <= most, "{name}: {step} launches a step, at most {most}");
    }
}

#[test]
fn what_the_shim_catches() {
    let why = |body: &str| device::fault(body).unwrap_err();
    let part = why("if (threadIdx.x < 3) { __syncthreads(); }");
    assert!(part.contains("threads part") && part.contains("at a barrier"), "{part}");
    let lines = why("if (threadIdx.x < 3) {\n __syncthreads();\n } else {\n __syncthreads();\n }");
    assert!(lines.contains("threads part"), "{lines}");
    assert!(why("int x = threadIdx.x; if (x > 5) x = __shfl_xor_sync(~0u, x, 1);").contains("at a shuffle"));
    assert_eq!(device::fault("__syncthreads(); at.a0[threadIdx.x] = 1;"), Ok(()));
    assert!(why("at.a0[64 + threadIdx.x] = 1;").contains("outside"));
}
