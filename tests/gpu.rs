//! The GPU gives what the CPU gives. Runs on any Vulkan or Metal driver, software ones included, on CUDA's where there
//! is one, and CUDA's kernels always, on the CPU; says so where something is missing.
#![cfg(feature = "wgpu")]

#[path = "cuda/device.rs"]
mod cuda;
#[path = "gpu/matrices.rs"]
mod matrices;

use playgrad::{
    DType, Error, Tensor, data as sets,
    models::{Kind, Model},
    render::Matrices,
    runtime,
    tensor::Slice,
};

type Case = fn() -> Result<Vec<Tensor>, Error>;

/// The GPU of this machine that wgpu reaches, if it has one.
fn gpu() -> Option<&'static str> {
    let tried: Vec<_> = ["vulkan", "metal"].into_iter().map(|n| (n, runtime::device(n))).collect();
    let found = tried.iter().find(|(_, d)| d.is_ok()).map(|(n, _)| *n);
    if found.is_none() {
        tried.iter().for_each(|(n, d)| println!("{n} skipped: {}", d.as_ref().err().unwrap()));
    }
    found
}

fn values(device: &str, case: Case) -> Values {
    runtime::set_default(device).unwrap();
    let tensors = case().unwrap();
    let read = |t: &Tensor| {
        let data = pollster::block_on(t.data()).unwrap();
        (t.shape().to_vec(), (0..data.len()).map(|i| data.get(i)).collect())
    };
    tensors.iter().map(read).collect()
}

fn same(name: &str, case: Case) {
    let want = values("cpu", case);
    cuda_agrees(name, case, &want);
    let Some(gpu) = gpu() else { return };
    agree(name, gpu, &values(gpu, case), &want);
    if runtime::device(gpu).unwrap().limits().emulated {
        // Plans belong to a thread: another one may have another device of that name.
        let real = std::thread::spawn(move || {
            runtime::register(gpu, runtime::wgpu::open_as_real(None));
            values(gpu, case)
        });
        agree(&format!("{name}, shaders of a real GPU"), gpu, &real.join().unwrap(), &want);
    }
}

/// What surrounds cooperative matrices gives what the CPU gives.
#[test]
fn products_by_cooperative_matrices() {
    fn case() -> Result<Vec<Tensor>, Error> {
        let batches = data(&[2, 70, 50], 1).matmul(&data(&[2, 50, 90], 2))?;
        let turned = data(&[40, 33], 1).t().matmul(&data(&[64, 40], 2).t())?;
        Ok(vec![batches.add(data(&[90], 3))?.relu()?, turned])
    }
    let Some(gpu) = gpu() else { return };
    if runtime::device(gpu).unwrap().description().contains("llvmpipe") {
        return println!("skipped: llvmpipe takes minutes to compile imitated matrices");
    }
    let want = values("cpu", case);
    for floats in [8, 16] {
        let matrices = Matrices { halves: 0, floats, spelling: &matrices::IMITATED };
        // Plans belong to a thread.
        let got = std::thread::spawn(move || {
            runtime::register(gpu, runtime::wgpu::open_as_real(Some(matrices)));
            values(gpu, case)
        });
        agree(&format!("matrices of {floats}, imitated"), gpu, &got.join().unwrap(), &want);
    }
}

fn cuda_agrees(name: &str, case: Case, want: &Values) {
    match runtime::device("cuda") {
        Ok(_) => agree(name, "cuda", &values("cuda", case), want),
        Err(why) => println!("cuda skipped: {why}"),
    }
    let on_the_cpu = std::thread::spawn(move || {
        let shim = cuda::install()?;
        shim.collect(|| drop(values("cuda", case)));
        Ok(values("cuda", case))
    });
    match on_the_cpu.join().unwrap() {
        Ok(got) => agree(&format!("{name}, on the CPU"), "cuda", &got, want),
        Err::<_, String>(why) => println!("cuda on the CPU skipped: {why}"),
    }
}

type Values = Vec<(Vec<usize>, Vec<f64>)>;

fn agree(name: &str, gpu: &str, got: &Values, want: &Values) {
    assert_eq!(got.len(), want.len());
    for (t, ((shape, g), (_, w))) in got.iter().zip(want).enumerate() {
        for i in 0..w.len() {
            let equal = g[i] == w[i] || g[i].is_nan() && w[i].is_nan();
            assert!(
                equal || (g[i] - w[i]).abs() <= 2e-5 + 2e-4 * w[i].abs(),
                "{name}: result {t} {shape:?}, element {i}: {} on {gpu}, {} on cpu",
                g[i],
                w[i]
            );
        }
    }
}

/// Numbers in [-2, 2) that repeat for the same seed.
fn data(shape: &[usize], seed: u32) -> Tensor {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let values: Vec<f32> = (0..shape.iter().product::<usize>())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 22) as f32 - 2.0
        })
        .collect();
    Tensor::from_slice(&values, shape).unwrap()
}

fn ints(values: &[i32]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

macro_rules! same {
    ($($name:ident $body:block)*) => {
        $(#[test]
        fn $name() {
            fn case() -> Result<Vec<Tensor>, Error> {
                Ok($body.into())
            }
            same(stringify!($name), case);
        })*
    };
}

same! {
    extremes_of_bytes {
        let x = data(&[4, 7], 5);
        let bytes = x.mul(100.0)?.abs()?.cast(DType::U8)?;
        [
            x.gt(0.5)?.max(0, false)?,
            x.gt(0.5)?.max(1, false)?.logical_not()?,
            bytes.max(0, false)?,
            bytes.min(1, false)?,
            x.gt(0.0)?.reshape(&[1, 1, 4, 7])?.min([2, 3], false)?,
        ]
    }

    zeros_without_a_sign {
        let x = Tensor::from_slice(&[0.0f32, -1.0, 2.0], &[3])?;
        let y = Tensor::from_slice(&[-0.0f32, -1.0, 2.0], &[3])?;
        [x.abs()?.reciprocal()?.sign()?, x.relu()?.reciprocal()?.sign()?, y.relu()?.reciprocal()?.sign()?]
    }

    elementwise {
        let x = data(&[7, 13], 1);
        let y = data(&[13], 2);
        [
            x.add(&y)?.mul(2.0)?.sub(1.0)?,
            x.div(&y)?,
            x.exp()?,
            x.abs()?.log()?,
            x.sqrt()?,
            x.sin()?,
            x.tanh()?,
            x.gelu()?,
            x.relu()?,
            x.floor()?,
            x.maximum(&y)?,
            x.lt(&y)?.where_(&x, 0.5)?,
        ]
    }

    more_workgroups_than_one_dimension_holds {
        let n = 65_536 * 64 + 77;
        let x = Tensor::arange(0.0, n as f64, 1.0, DType::I32)?.mul(3)?.contiguous();
        let six = |start: isize| Slice::Range { start: Some(start), stop: Some(start + 6), step: 1 };
        [x.slice(&[six(65_535 * 64 - 3)])?, x.slice(&[six(n - 6)])?]
    }

    sine_of_large_arguments {
        let x = Tensor::from_slice(&[0.0f32, 0.4, 0.6, 1.6, -3.2, 100.5, -1e4, 1e6, 3.3e7], &[9])?;
        [x.sin()?, x.cos()?]
    }

    special_floats {
        let x = Tensor::from_slice(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0, -0.0], &[5])?;
        let y = Tensor::from_slice(&[1.0f32, f32::NAN, 2.0, f32::NAN, f32::INFINITY], &[5])?;
        [
            x.relu()?,
            x.maximum(&y)?,
            x.eq(&x)?,
            x.ne(&x)?,
            x.lt(&y)?,
            x.exp()?,
            x.log()?,
            x.sqrt()?,
            x.sub(3.0)?.log()?,
            x.sub(3.0)?.sqrt()?,
            x.tanh()?,
            x.sin()?,
            x.softmax(0)?,
            x.trunc()?,
            x.max((), false)?,
            x.sum((), false)?,
            x.reciprocal()?,
            Tensor::full(&[3], f64::NEG_INFINITY, DType::F32)?.add(data(&[3], 9))?,
        ]
    }

    integers {
        let a = ints(&[7, -7, 7, -7, 0, i32::MIN, i32::MAX, 5]);
        let b = ints(&[2, 2, -2, -2, 5, -1, 3, 0]);
        [a.add(&b)?, a.mul(&b)?, a.rem(&b)?, a.neg()?, a.abs()?, a.maximum(&b)?, a.eq(&b)?, a.sum((), false)?]
    }

    casts {
        let x = Tensor::from_slice(&[0.0f32, 1.9, -1.9, 300.7, 3e9, -3e9, 5e9, f32::NAN], &[8])?;
        let i = ints(&[0, 1, -1, 255, 256, 1 << 30, 77]);
        [
            x.cast(DType::I32)?,
            x.cast(DType::U32)?.bitcast(DType::I32)?,
            x.cast(DType::U8)?,
            x.cast(DType::Bool)?,
            i.cast(DType::F32)?,
            i.cast(DType::U8)?,
            i.cast(DType::Bool)?,
            i.cast(DType::U8)?.cast(DType::F32)?.add(0.5)?,
        ]
    }

    bytes_in_and_out {
        let bytes: Vec<u8> = (0..37).map(|i| (i * 41 % 256) as u8).collect();
        let x = Tensor::from_slice(&bytes, &[37])?;
        let f = x.cast(DType::F32)?;
        [x.add(3)?, x.gt(100)?, x.gt(100)?.where_(&f, -1.0)?, x.flip([0])?, x.eq(&x.flip([0])?)?]
    }

    movement {
        let x = data(&[4, 6, 5], 3);
        [
            x.permute(&[2, 0, 1])?.contiguous(),
            x.pad(&[(1, 2), (0, 0), (3, 1)], 0.5)?,
            x.shrink(&[(1, 3), (2, 5), (0, 4)])?.contiguous(),
            x.flip([0, 2])?.contiguous(),
            x.reshape(&[10, 12])?.permute(&[1, 0])?.reshape(&[8, 15])?.mul(2.0)?,
            Tensor::cat(&[x.clone(), x.flip([1])?], 1)?,
        ]
    }

    reductions_of_every_shape {
        let x = data(&[5, 300], 4);
        let y = data(&[700, 3], 5);
        let z = data(&[3, 4, 5, 6], 6);
        [
            x.sum([0], false)?,
            x.sum([1], false)?,
            x.sum((), false)?,
            y.sum([0], false)?,
            y.max([1], false)?,
            y.max((), false)?,
            z.sum([0, 2], false)?,
            z.mean([1, 3], false)?,
            z.div(2.0)?.prod([3], false)?,
            z.var([0, 1, 2, 3], false, 1)?,
        ]
    }

    rows {
        let x = data(&[33, 10], 7);
        let wide = data(&[3, 1000], 8);
        [
            x.softmax(1)?,
            x.log_softmax(1)?,
            wide.softmax(1)?,
            wide.layer_norm([1], 1e-5)?,
            wide.logsumexp([1], false)?,
            x.softmax(0)?,
            x.argmax(Some(1), false)?,
        ]
    }

    matrix_products {
        let mut out = Vec::new();
        for (m, k, n) in [(1, 5, 1), (3, 4, 5), (16, 16, 16), (33, 70, 17), (64, 64, 64), (130, 40, 200), (128, 784, 10)] {
            out.push(data(&[m, k], 1).matmul(&data(&[k, n], 2))?);
            out.push(data(&[k, m], 1).t().matmul(&data(&[n, k], 2).t())?.add(data(&[n], 3))?.relu()?);
        }
        out.push(data(&[3, 20, 30], 1).matmul(&data(&[3, 30, 40], 2))?);
        out
    }

    matrix_products_with_every_tile {
        let mut out = Vec::new();
        for (m, k, n) in [(1500, 9, 1430), (768, 20, 700), (16_000, 8, 32), (512, 64, 512), (2000, 30, 10), (9, 40, 1100)] {
            let y = data(&[m, k], 1).matmul(&data(&[k, n], 2))?.contiguous();
            out.extend([y.max([0], false)?, y.min([1], false)?]);
        }
        out
    }

    matrix_products_of_halves {
        let half = |shape: &[usize], seed, dtype| -> Result<Tensor, Error> { data(shape, seed).cast(dtype)?.contiguous().float() };
        let mut out = Vec::new();
        for (dtype, m, k, n) in [(DType::F16, 16, 16, 16), (DType::BF16, 64, 64, 64), (DType::F16, 70, 50, 33), (DType::BF16, 33, 71, 90), (DType::F16, 1500, 40, 1500)] {
            out.push(half(&[m, k], 1, dtype)?.matmul(&half(&[k, n], 2, dtype)?)?.add(data(&[n], 3))?.relu()?);
            out.push(half(&[k, m], 1, dtype)?.t().matmul(&half(&[n, k], 2, dtype)?.t())?);
        }
        out.push(half(&[3, 20, 30], 1, DType::F16)?.matmul(&half(&[3, 30, 40], 2, DType::F16)?)?);
        out.push(half(&[40, 3000], 1, DType::BF16)?.matmul(&half(&[3000, 24], 2, DType::BF16)?)?.mul(0.02)?);
        out.push(half(&[4, 16, 9, 9], 1, DType::F16)?.conv2d(&half(&[24, 16, 3, 3], 2, DType::F16)?, None, Default::default())?);
        out
    }

    sums_of_many_numbers_far_from_zero {
        let x = data(&[70, 8, 20, 20], 4).mul(0.01)?.add(0.6)?.contiguous();
        let y = data(&[70, 3000], 5).mul(0.01)?.add(0.6)?.contiguous();
        let spread = |x: &Tensor, axes: &[isize]| -> Result<Tensor, Error> {
            x.square()?.mean(axes, false)?.sub(x.mean(axes, false)?.square()?)?.div(0.03)
        };
        let weighted = data(&[5, 40, 100], 6).mul(data(&[100], 7).exp()?.contiguous())?;
        [weighted.sum([1, 2], false)?, spread(&x, &[1, 2, 3])?, spread(&x.permute(&[1, 0, 2, 3])?, &[1, 2, 3])?, spread(&y, &[1])?]
    }

    long_reductions_in_parts {
        let x = data(&[3, 70_000], 1);
        let y = x.mul(0.01)?.exp()?;
        [
            x.sum((), false)?,
            x.max([1], false)?,
            y.mean((), false)?.log()?,
            data(&[40, 5000], 2).matmul(&data(&[5000, 24], 3))?.mul(0.02)?,
            data(&[64, 2, 16, 16], 4).sum([0, 2, 3], false)?,
        ]
    }

    convolutions {
        let x = data(&[2, 3, 12, 11], 1);
        let w = data(&[20, 3, 3, 3], 2);
        let b = data(&[20], 3);
        let y = x.conv2d(&w, Some(&b), Default::default())?;
        [y.clone(), y.relu()?.max_pool2d(&[2, 2], Default::default())?]
    }

    gradients {
        let x = data(&[8, 1, 14, 14], 1);
        let w = data(&[16, 1, 5, 5], 2);
        let v = data(&[16 * 25, 10], 3).mul(0.1)?.contiguous().detach();
        for t in [&x, &w, &v] {
            t.set_requires_grad(true)?;
        }
        let h = x.conv2d(&w, None, Default::default())?.relu()?.max_pool2d(&[2, 2], Default::default())?;
        let logits = h.reshape(&[8, -1])?.matmul(&v)?;
        let loss = logits.cross_entropy(&ints(&[0, 1, 2, 3, 4, 5, 6, 7]))?;
        loss.backward()?;
        [loss, x.grad().unwrap(), w.grad().unwrap(), v.grad().unwrap()]
    }

    gathers {
        let x = data(&[9, 4], 1);
        [x.index(&ints(&[3, 0, 8, 8]))?, ints(&[1, 4, 0]).one_hot(6)?, x.gather(1, &ints(&[0, 3, 1, 2, 0, 0, 1, 1, 2]).reshape(&[9, 1])?)?]
    }

    more_rows_than_workgroups_in_one_dimension {
        let x = data(&[1 << 10], 1).reshape(&[1, 1 << 10])?.expand(&[5000, 1 << 10])?;
        let y = x.add(data(&[5000, 1], 2))?.contiguous();
        [y.shrink(&[(4999, 5000), (0, 1 << 10)])?.contiguous(), y.sum((), false)?]
    }

    empty_tensors {
        let x = data(&[0, 3], 1);
        [x.add(1.0)?, x.sum([0], false)?, x.max([1], false)?]
    }

    random_numbers {
        playgrad::manual_seed(7);
        [Tensor::rand(&[1000])?, Tensor::randn(&[501])?, Tensor::randint(&[100], 0, 10)?]
    }
}

#[test]
fn a_training_step_takes_the_dispatches_that_are_counted() {
    let Some(device) = gpu() else { return };
    runtime::register(device, runtime::wgpu::open_as_real(None));
    let train = |device: &str, name: &str, steps: usize| {
        runtime::set_default(device).unwrap();
        playgrad::manual_seed(3);
        let mut model = Model::new(name).unwrap();
        model.batch = model.batch.map(|_| 128);
        let (x, labels) = match model.kind() {
            Kind::Images => sets::digits(256, 1).tensors().unwrap(),
            Kind::Xor => sets::xor().tensors().unwrap(),
            Kind::Tokens { length, vocabulary } => {
                sets::counting(64, length, vocabulary, 1).tensors().unwrap()
            }
        };
        let optimizer = model.optimizer("adam", None).unwrap();
        let mut losses = Vec::new();
        let mut dispatches = 0;
        for _ in 0..steps {
            let before = runtime::device(device).unwrap().counters().kernels;
            let loss = model.step(&optimizer, &x, &labels).unwrap();
            dispatches = runtime::device(device).unwrap().counters().kernels - before;
            losses.push(loss.item().unwrap());
        }
        (losses, dispatches)
    };
    for name in ["xor", "mnist-mlp"] {
        let (want, _) = train("cpu", name, 8);
        let (got, dispatches) = train(device, name, 8);
        for (i, (g, w)) in got.iter().zip(&want).enumerate() {
            assert!((g - w).abs() <= 1e-3 * w.abs(), "{name} step {i}: {g} on {device}, {w} on cpu");
        }
        let counted = playgrad::models::count(name, "adam", Some(128)).unwrap().kernels;
        assert_eq!(dispatches, counted, "{name}");
    }
}

#[test]
fn a_steady_state_makes_no_object_on_the_device() {
    let Some(device) = gpu() else { return };
    runtime::set_default(device).unwrap();
    for (name, batch) in [("mnist-mlp", 128), ("mnist-cnn", 64)] {
        let mut model = Model::new(name).unwrap();
        model.batch = Some(batch);
        let (x, labels) = sets::digits(256, 1).tensors().unwrap();
        let optimizer = model.optimizer("adam", None).unwrap();
        let mut made = Vec::new();
        for _ in 0..5 {
            let before = runtime::device(device).unwrap().counters().objects;
            model.step(&optimizer, &x, &labels).unwrap().item().unwrap();
            made.push(runtime::device(device).unwrap().counters().objects - before);
        }
        assert!(made[0] > 0 && made[1..] == [0; 4], "{name}: objects made in each step: {made:?}");
    }
}

#[test]
fn launches_are_timed_by_the_device() {
    let Some(device) = gpu() else { return };
    runtime::set_default(device).unwrap();
    println!("clock: {}", runtime::device(device).unwrap().clock());
    let a = Tensor::rand(&[96, 96]).unwrap().realize().unwrap();
    let product = || a.matmul(&a).unwrap().sum((), false).unwrap();
    let want = product().item().unwrap();
    let (got, launches) = playgrad::debug::profile(|| product().item().unwrap());
    assert_eq!(got, want, "timing changes no value");
    let flops: u64 = launches.iter().map(|l| l.work.flops).sum();
    assert!(flops >= 2 * 96 * 96 * 96, "{launches:?}");
    let seconds: f64 = launches.iter().map(|l| l.seconds).sum();
    assert!(seconds > 0.0 && seconds.is_finite(), "{launches:?}");
}
