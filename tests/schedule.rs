//! What shares a kernel, and that fused kernels compute what their parts would.

use playgrad::{DType, Tensor, runtime, schedule};

fn kernels(f: impl FnOnce() -> Tensor) -> (Vec<f32>, u64) {
    let out = f();
    let before = schedule::stats().kernels;
    out.realize().unwrap();
    (out.to_vec::<f32>().unwrap(), schedule::stats().kernels - before)
}

fn close(got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len());
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((g - w).abs() <= 1e-5 + 1e-4 * w.abs(), "element {i}: {g} for {w}");
    }
}

fn data(shape: &[usize], seed: u32) -> (Tensor, Vec<f32>) {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let values: Vec<f32> = (0..shape.iter().product::<usize>())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect();
    (Tensor::from_slice(&values, shape).unwrap(), values)
}

fn cpu() {
    runtime::set_default("cpu").unwrap();
}

#[test]
fn a_chain_of_elementwise_operations_is_one_kernel() {
    cpu();
    let (x, v) = data(&[3, 5], 1);
    let (got, count) = kernels(|| x.mul(2.0).unwrap().add(1.0).unwrap().exp().unwrap());
    let want: Vec<f32> = v.iter().map(|x| (2.0 * x + 1.0).exp()).collect();
    close(&got, &want);
    assert_eq!(count, 1);
}

#[test]
fn softmax_is_one_kernel() {
    cpu();
    for shape in [[4, 10], [3, 300], [200, 7]] {
        let (x, v) = data(&shape, 2);
        let (got, count) = kernels(|| x.softmax(-1).unwrap());
        let mut want = Vec::new();
        for row in v.chunks(shape[1]) {
            let e: Vec<f32> = row.iter().map(|x| x.exp()).collect();
            let sum: f32 = e.iter().sum();
            want.extend(e.iter().map(|x| x / sum));
        }
        close(&got, &want);
        assert_eq!(count, 1, "{shape:?}");
    }
}

#[test]
fn a_linear_layer_with_its_activation_is_one_kernel() {
    cpu();
    let ((x, xv), (w, wv), (b, bv)) = (data(&[33, 20], 3), data(&[17, 20], 4), data(&[17], 5));
    let (got, count) = kernels(|| x.linear(&w.t(), Some(&b)).unwrap().relu().unwrap());
    let mut want = Vec::new();
    for i in 0..33 {
        for j in 0..17 {
            let sum: f32 = (0..20).map(|k| xv[i * 20 + k] * wv[j * 20 + k]).sum();
            want.push((sum + bv[j]).max(0.0));
        }
    }
    close(&got, &want);
    assert_eq!(count, 1);
}

#[test]
fn the_gradient_of_a_padded_convolution_is_two_contractions() {
    cpu();
    let ((x, xv), (w, wv)) = (data(&[2, 3, 6, 5], 6), data(&[4, 3, 3, 3], 7));
    let conv = || {
        x.conv2d(&w, None, playgrad::tensor::Conv2dOptions { padding: vec![1], ..Default::default() })
            .unwrap()
    };
    let loss = conv().square().unwrap().sum((), false).unwrap();
    let grads = playgrad::grad(&loss, &[&x, &w]).unwrap();
    let y = |x: &[f32], w: &[f32]| {
        let mut y = vec![0.0f32; 2 * 4 * 6 * 5];
        for (at, y) in y.iter_mut().enumerate() {
            let (n, o, i, j) = (at / 120, at / 30 % 4, at / 5 % 6, at % 5);
            for c in 0..3 {
                for (a, b) in (0..9).map(|k| (k / 3, k % 3)) {
                    let (r, s) = (i + a, j + b);
                    if (1..=6).contains(&r) && (1..=5).contains(&s) {
                        *y += x[n * 90 + c * 30 + (r - 1) * 5 + s - 1] * w[o * 27 + c * 9 + a * 3 + b];
                    }
                }
            }
        }
        y
    };
    close(&conv().to_vec::<f32>().unwrap(), &y(&xv, &wv));
    let f = |x: &[f32], w: &[f32]| -> f64 { y(x, w).iter().map(|y| (*y as f64).powi(2)).sum() };
    for (grad, which) in grads.iter().zip([0, 1]) {
        let got = grad.to_vec::<f32>().unwrap();
        for at in (0..got.len()).step_by(7) {
            let nudge = |d: f32| {
                let (mut x, mut w) = (xv.clone(), wv.clone());
                [&mut x, &mut w][which][at] += d;
                f(&x, &w)
            };
            let want = ((nudge(1e-2) - nudge(-1e-2)) / 2e-2) as f32;
            assert!((got[at] - want).abs() < 2e-2 * want.abs().max(1.0), "{which} {at}: {} {want}", got[at]);
        }
    }
}

#[test]
fn a_kernel_never_touches_more_buffers_than_the_device_allows() {
    runtime::set_default("null").unwrap();
    let limit = runtime::device("null").unwrap().limits().max_buffers;
    let parts: Vec<Tensor> = (0..20).map(|i| data(&[200_000], i).0).collect();
    let sum = parts[1..].iter().fold(parts[0].clone(), |sum, p| sum.add(p).unwrap());
    let before = schedule::stats().kernels;
    sum.realize().unwrap();
    let kernels = schedule::stats().kernels - before;
    assert!(kernels >= (19usize.div_ceil(limit - 1)) as u64 && kernels <= 4, "{kernels} kernels");
}

#[test]
fn plans_are_found_again() {
    cpu();
    let step = |seed| {
        let (x, _) = data(&[8, 3], seed);
        x.mul(3.0).unwrap().sum((), false).unwrap().item().unwrap()
    };
    step(1);
    let before = schedule::stats();
    step(2);
    let after = schedule::stats();
    assert_eq!((after.plans_compiled, after.plan_hits), (before.plans_compiled, before.plan_hits + 1));
    assert_eq!(DType::F32.size(), 4);
}

#[test]
fn a_transposed_convolution_and_its_gradients_are_a_contraction_each() {
    cpu();
    let ((x, _), (w, _), (g, _)) = (data(&[2, 3, 6, 5], 6), data(&[3, 4, 3, 3], 7), data(&[2, 4, 6, 5], 8));
    let options = playgrad::tensor::Conv2dOptions { padding: vec![1], ..Default::default() };
    let y = || x.conv_transpose2d(&w, None, options.clone(), &[]).unwrap();
    assert_eq!(kernels(y).1, 1);
    let loss = y().mul(&g).unwrap().sum((), false).unwrap();
    for gradient in playgrad::grad(&loss, &[&x, &w]).unwrap() {
        assert_eq!(kernels(|| gradient).1, 1);
    }
}

#[test]
fn a_contraction_is_the_reduction_it_stands_for() {
    let run = |plain: bool| {
        let work = move || {
            if plain {
                runtime::register("cpu", Ok(std::rc::Rc::new(runtime::cpu::Cpu::plain())));
            }
            cpu();
            let ((x, _), (w, _)) = (data(&[3, 4, 9, 8], 1), data(&[5, 4, 3, 3], 2));
            let options = playgrad::tensor::Conv2dOptions { padding: vec![1], ..Default::default() };
            let mut all = x.conv2d(&w, None, options).unwrap().to_vec::<f32>().unwrap();
            // Deep enough to be summed in parts, and whole numbers, so that the order does not matter.
            let whole = |shape: &[usize], seed| data(shape, seed).0.mul(5.0).unwrap().trunc().unwrap();
            let deep = whole(&[7, 5001], 3).matmul(&whole(&[5001, 13], 4)).unwrap();
            all.extend(deep.to_vec::<f32>().unwrap());
            all
        };
        std::thread::spawn(work).join().unwrap()
    };
    close(&run(false), &run(true));
}

#[test]
fn a_device_opened_again_starts_afresh() {
    let plan = || {
        let x = Tensor::arange(0.0, 64.0, 1.0, DType::F32).unwrap().reshape(&[8, 8]).unwrap();
        let y = x.matmul(&x).unwrap().sum(1, true).unwrap();
        x.div(&y).unwrap().matmul(&x).unwrap().to_vec::<f32>().unwrap()
    };
    runtime::set_default("cpu").unwrap();
    let first = plan();
    runtime::register("cpu", Ok(std::rc::Rc::new(runtime::cpu::Cpu::default())));
    runtime::set_default("cpu").unwrap();
    assert_eq!(plan(), first);
}

#[test]
fn a_plan_reads_its_inputs_alone() {
    cpu();
    let (x, v) = data(&[6], 3);
    x.set_requires_grad(true).unwrap();
    let triple = x.mul(3.0).unwrap();
    let kept = triple.sin().unwrap();
    kept.realize().unwrap();
    // The same sine behind a mark that the plan takes away.
    let cut = triple.detach().sin().unwrap().mul(2.0).unwrap();
    let want: Vec<f32> = v.iter().map(|x| 2.0 * (3.0 * x).sin()).collect();
    close(&cut.to_vec::<f32>().unwrap(), &want);
}
