//! Emitted WebAssembly against the interpreter, kernel by kernel.

#[path = "emit/device.rs"]
mod device;

use playgrad::{DType, Tensor, data, manual_seed, models::Model};
use proptest::prelude::*;

fn steps(name: &str, rows: (Tensor, Tensor), steps: usize) {
    manual_seed(7);
    let model = Model::new(name).unwrap();
    let optimizer = model.optimizer("adam", None).unwrap();
    for _ in 0..steps {
        model.step(&optimizer, &rows.0, &rows.1).unwrap().item().unwrap();
    }
}

#[test]
fn a_step_of_xor() {
    let ran = device::install();
    steps("xor", data::xor().tensors().unwrap(), 3);
    assert!(ran.get() >= 9, "{} kernels", ran.get());
}

fn values(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 22) as f32 - 2.0
    };
    (0..n).map(|_| next()).collect()
}

fn tensor(shape: &[usize], seed: u32) -> Tensor {
    Tensor::from_slice(&values(shape.iter().product(), seed), shape).unwrap()
}

#[test]
fn functions_agree_bit_by_bit_on_odd_values() {
    device::install();
    let mut odd = vec![0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    odd.extend([f32::MIN_POSITIVE, 1e-40, -1e-40, f32::MAX, f32::MIN, 127.99, 128.0, -126.5, -149.5, -150.5]);
    odd.extend([3.0e9, -3.0e9, 2147483648.0, -2147483648.0, 4294967296.0, 255.5, 256.0, 1e20, 7.3e19, 1e-30]);
    odd.extend(values(993, 3));
    odd.extend((0..1000).map(|i| (i as f32 - 500.0) * 0.37));
    let x = Tensor::from_slice(&odd, &[odd.len()]).unwrap();
    let y = x.flip(0).unwrap();
    for out in [
        x.exp2().unwrap(),
        x.log2().unwrap(),
        x.sin().unwrap(),
        x.sqrt().unwrap(),
        x.reciprocal().unwrap(),
        x.trunc().unwrap(),
        x.relu().unwrap(),
        x.maximum(&y).unwrap(),
        x.rem(&y).unwrap(),
        x.div(&y).unwrap(),
        x.lt(&y).unwrap(),
        x.eq(&y).unwrap(),
        x.logical_not().unwrap(),
        x.cast(DType::I32).unwrap(),
        x.cast(DType::U32).unwrap(),
        x.cast(DType::U8).unwrap(),
        x.cast(DType::Bool).unwrap(),
        x.where_(x.neg().unwrap(), &y).unwrap(),
    ] {
        out.realize().unwrap();
    }
}

#[test]
fn integers_agree() {
    device::install();
    let mut odd = vec![0, 1, -1, 2, -2, 7, -7, 31, 32, 33, 255, 256, -256, i32::MAX, i32::MIN, i32::MIN + 1];
    odd.extend((0..85).map(|i| (i - 40) * 7919));
    let x = Tensor::from_slice(&odd, &[odd.len(), 1]).unwrap();
    for dtype in [DType::I32, DType::U32, DType::U8] {
        let x = x.cast(dtype).unwrap();
        let y = x.t();
        for out in [
            x.add(&y).unwrap(),
            x.sub(&y).unwrap(),
            x.mul(&y).unwrap(),
            x.rem(&y).unwrap(),
            x.maximum(&y).unwrap(),
            x.lt(&y).unwrap(),
            x.eq(&y).unwrap(),
            x.neg().unwrap(),
            x.float().unwrap(),
            x.cast(DType::Bool).unwrap(),
            x.add(&y).unwrap().sum(1, false).unwrap(),
            x.mul(&y).unwrap().max(0, false).unwrap(),
            x.prod(0, false).unwrap(),
        ] {
            out.realize().unwrap();
        }
    }
}

#[test]
fn convolutions_and_their_gradients() {
    let ran = device::install();
    for (padding, stride, size) in [([1, 1], [1, 1], 9), ([0, 0], [1, 1], 14), ([2, 0], [2, 3], 11)] {
        let (padding, stride) = (padding.to_vec(), stride.to_vec());
        let (x, w) = (tensor(&[3, 2, size, size], 1), tensor(&[7, 2, 3, 3], 2));
        let options = playgrad::tensor::Conv2dOptions { padding, stride, ..Default::default() };
        let y = x.conv2d(&w, Some(&tensor(&[7], 3)), options).unwrap().relu().unwrap();
        let loss = y.square().unwrap().sum((), false).unwrap();
        playgrad::grad(&loss, &[&x, &w]).unwrap().iter().for_each(|g| drop(g.realize().unwrap()));
    }
    assert!(ran.get() >= 6, "{} kernels", ran.get());
}

#[test]
fn contractions_of_computed_operands() {
    device::install();
    let (x, w) = (tensor(&[3, 31, 70], 4), tensor(&[3, 70, 45], 5));
    let y = x.exp().unwrap().matmul(&w).unwrap();
    y.mul(tensor(&[45], 6)).unwrap().realize().unwrap();
    let ids = Tensor::from_slice(&[3, 0, 2, 3, 1], &[5]).unwrap();
    let table = tensor(&[4, 33], 7);
    let loss = table.gather(0, &ids.reshape(&[5, 1]).unwrap().expand(&[5, 33]).unwrap()).unwrap();
    let loss = loss.square().unwrap().sum((), false).unwrap();
    playgrad::grad(&loss, &[&table]).unwrap()[0].realize().unwrap();
}

#[test]
fn recurrences_and_their_gradients() {
    device::install();
    for (shape, axis) in
        [([2, 23, 1], 1), ([1, 1, 300], 2), ([5, 6, 37], 0), ([1, 3, 2], 2), ([9, 40, 3], 1), ([30, 2, 4], 2)]
    {
        let (a, b) = (tensor(&shape, 1), tensor(&shape, 2));
        for reverse in [false, true] {
            let h = Tensor::scan(&a.sigmoid().unwrap(), &b, axis, reverse).unwrap();
            let loss = h.square().unwrap().sum((), false).unwrap();
            playgrad::grad(&loss, &[&a, &b]).unwrap().iter().for_each(|g| drop(g.realize().unwrap()));
        }
        let whole = b.mul(9.0).unwrap().int().unwrap();
        let (largest, at) = b.cummax(axis).unwrap();
        let loss = largest.mul(&a).unwrap().sum((), false).unwrap();
        for out in [
            b.softmax(axis).unwrap().cumsum(axis).unwrap(),
            whole.cumprod(axis).unwrap(),
            whole.cummin(axis).unwrap().0,
            b.logcumsumexp(axis).unwrap(),
            at,
            playgrad::grad(&loss, &[&b]).unwrap()[0].clone(),
        ] {
            out.realize().unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shapes_of_any_size(a in 1usize..20, b in 1usize..20, c in 1usize..38, seed in 0u32..1000) {
        device::install();
        let x = tensor(&[a, b, c], seed);
        let row = tensor(&[c], seed + 1);
        let turned = x.transpose(0, 2).unwrap();
        for out in [
            x.mul(&row).unwrap().exp().unwrap(),
            x.softmax(-1).unwrap(),
            x.softmax(0).unwrap(),
            x.log_softmax(1).unwrap(),
            x.layer_norm(-1, 1e-5).unwrap(),
            x.sum(0, false).unwrap(),
            x.max(1, false).unwrap(),
            x.mean((), false).unwrap(),
            x.var([0, 2], true, 0).unwrap(),
            turned.add(1.0).unwrap(),
            turned.sum(1, false).unwrap(),
            turned.flip([0, 2]).unwrap().reshape(&[-1]).unwrap().contiguous(),
            x.argmax(Some(2), false).unwrap(),
            Tensor::cat(&[x.clone(), x.mul(2.0).unwrap()], 2).unwrap(),
            x.pad(&[(1, 0), (0, 2), (3, 1)], 0.0).unwrap().mul(3.0).unwrap(),
            x.pad(&[(1, 0), (0, 2), (3, 1)], 1.5).unwrap().sum(2, false).unwrap(),
            x.reshape(&[(a * b) as isize, c as isize]).unwrap().matmul(&turned.reshape(&[c as isize, -1]).unwrap()).unwrap(),
        ] {
            out.realize().unwrap();
        }
    }
}
