//! Recurrences on every device, against loops written here and values of PyTorch.

use playgrad::{Tensor, error::Result, grad, models::mamba::selective_scan, runtime};

/// Runs `f` on every device of this machine that computes.
fn on_each_device(f: impl Fn()) {
    for name in ["cpu", "vulkan", "metal"] {
        match runtime::set_default(name) {
            Ok(()) => {
                println!("{name}");
                f();
            }
            Err(why) => println!("{name}: skipped, {why}"),
        }
    }
}

/// Equal within rounding, NaN to NaN.
fn same(what: &str, got: &Tensor, expected: &[f32]) {
    let got = got.to_vec::<f32>().unwrap();
    let close =
        |(a, b): (&f32, &f32)| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-4 + 1e-4 * b.abs();
    assert!(
        got.len() == expected.len() && got.iter().zip(expected).all(close),
        "{what}: {got:?}, not {expected:?}"
    );
}

fn values(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn tensor(shape: &[usize], seed: u32) -> Tensor {
    Tensor::from_slice(&values(shape.iter().product(), seed), shape).unwrap()
}

fn linear(a: &[f32], b: &[f32], [outer, n, inner]: [usize; 3], reverse: bool) -> Vec<f32> {
    let mut h = vec![0.0; a.len()];
    for o in 0..outer {
        for i in 0..inner {
            let mut last = 0.0;
            for t in 0..n {
                let t = if reverse { n - 1 - t } else { t };
                let at = (o * n + t) * inner + i;
                last = a[at] * last + b[at];
                h[at] = last;
            }
        }
    }
    h
}

#[test]
fn a_recurrence_along_any_axis_in_either_direction() {
    on_each_device(|| {
        for shape in [[1, 1000, 1], [3, 7, 5], [2, 2, 300], [40, 17, 1], [1, 300, 2], [5, 1, 3], [2, 259, 20]]
        {
            for reverse in [false, true] {
                let (a, b) = (tensor(&shape, 1), tensor(&shape, 2));
                let h = Tensor::scan(&a, &b, 1, reverse).unwrap();
                let expected =
                    linear(&a.to_vec::<f32>().unwrap(), &b.to_vec::<f32>().unwrap(), shape, reverse);
                same(&format!("{shape:?} {reverse}"), &h, &expected);
            }
        }
    });
}

#[test]
fn what_is_computed_before_and_after_shares_the_kernel() {
    let (x, y) = (tensor(&[4, 9, 6], 3), tensor(&[4, 6, 9], 4));
    let turned = x.transpose(1, 2).unwrap();
    let a = turned.exp().unwrap();
    let h = Tensor::scan(&a, &y, 2, true).unwrap();
    let out = h.mul(2.0).unwrap().add(&turned).unwrap().flip([0, 2]).unwrap();
    let (av, yv) = (a.to_vec::<f32>().unwrap(), y.to_vec::<f32>().unwrap());
    let h = Tensor::from_slice(&linear(&av, &yv, [24, 9, 1], true), &[4, 6, 9]).unwrap();
    let expected = h.mul(2.0).unwrap().add(&turned).unwrap().flip([0, 2]).unwrap();
    assert_eq!(out.to_vec::<f32>().unwrap(), expected.to_vec::<f32>().unwrap());
}

#[test]
fn a_view_of_the_result_out_of_order_reads_it_from_memory() {
    let x = tensor(&[2, 12], 5);
    let sum = x.cumsum(1).unwrap();
    let shuffled = sum.reshape(&[2, 3, 4]).unwrap().transpose(1, 2).unwrap().reshape(&[2, 12]).unwrap();
    let out = sum
        .add(&shuffled)
        .unwrap()
        .add(sum.pad(&[(0, 0), (1, 2)], 0.0).unwrap().shrink(&[(0, 2), (0, 12)]).unwrap())
        .unwrap();
    let s = sum.detach().contiguous().to_vec::<f32>().unwrap();
    let expected: Vec<f32> = (0..24)
        .map(|i| {
            let (r, c) = (i / 12, i % 12);
            s[i] + s[r * 12 + c % 3 * 4 + c / 3] + if c == 0 { 0.0 } else { s[i - 1] }
        })
        .collect();
    assert_eq!(out.to_vec::<f32>().unwrap(), expected);
}

const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;

#[test]
fn running_products_and_sums_differentiate_twice_as_in_pytorch() {
    /// Name, method, value, first and second gradient.
    type Case = (&'static str, fn(&Tensor, isize) -> Result<Tensor>, [f32; 12], [f32; 12], [f32; 12]);
    let cases: [Case; 3] = [
        (
            "cumsum",
            Tensor::cumsum,
            [2., 2., 5., 4., 1., 3., 3., 3., 1.5, -0.5, 0., 4.],
            [2.5, 1.5, 3.5, 3., 2.5, 0.5, -0.5, 0.5, 0.25, 0., -1., -3.],
            [0.; 12],
        ),
        (
            "cumprod",
            Tensor::cumprod,
            [2., 0., 0., 0., 1., 2., 0., 0., 1.5, -3., -1.5, -6.],
            [1., -19., 0., 0., 4., 1., -2., 0., 8.25, -6., 30., 4.5],
            [19., 42., 10., -36., 3., 3., -4.5, -1., 27., -24.25, -37., 16.5],
        ),
        (
            "logcumsumexp",
            Tensor::logcumsumexp,
            [
                2., 2.126928, 3.349012, 3.361849, 1., 2.313262, 2.407606, 2.493812, 1.5, 1.52975, 1.835098,
                4.10864,
            ],
            [
                0.136714, -0.116833, 2.441855, 0.038264, 2.13647, 0.370965, -0.048733, 0.041297, 2.43032,
                0.06584, 0.444999, -2.691159,
            ],
            [
                -0.242588, 0.317668, -0.167937, 0.092856, 0.077942, -0.159094, 0.102544, -0.021393,
                -1.336437, 0.009023, 0.294951, 1.032463,
            ],
        ),
    ];
    on_each_device(|| {
        let x =
            Tensor::from_slice(&[2.0f32, 0., 3., -1., 1., 2., 0., 0., 1.5, -2., 0.5, 4.], &[3, 4]).unwrap();
        x.set_requires_grad(true).unwrap();
        let w = Tensor::from_slice(&[1.0f32, -2., 0.5, 3., 2., 1., -1., 0.5, 0.25, 1., 2., -3.], &[3, 4])
            .unwrap();
        let weighed = |y: &Tensor| y.mul(&w).unwrap().sum((), false).unwrap();
        for (name, method, value, first, second) in &cases {
            let y = method(&x, 1).unwrap();
            same(name, &y, value);
            let g = grad(&weighed(&y), &[&x]).unwrap().remove(0);
            same(name, &g, first);
            if second.iter().any(|s| *s != 0.0) {
                same(name, &grad(&weighed(&g), &[&x]).unwrap()[0], second);
            }
        }
    });
}

#[test]
fn running_extremes_take_the_latest_at_a_tie_and_keep_nan() {
    on_each_device(|| {
        let x = Tensor::from_slice(
            &[1.0f32, 3., 3., 2., 3., NAN, 5., NAN, -INF, -INF, -INF, 0., -0., INF, 2., INF],
            &[2, 8],
        )
        .unwrap();
        let (largest, at) = x.cummax(1).unwrap();
        same(
            "cummax",
            &largest,
            &[1., 3., 3., 3., 3., NAN, NAN, NAN, -INF, -INF, -INF, 0., 0., INF, INF, INF],
        );
        assert_eq!(at.to_vec::<i32>().unwrap(), [0, 1, 2, 2, 4, 5, 5, 7, 0, 1, 2, 3, 4, 5, 5, 7]);
        let (smallest, at) = x.cummin(-1).unwrap();
        let row = [1., 1., 1., 1., 1., NAN, NAN, NAN];
        same("cummin", &smallest.shrink(&[(0, 1), (0, 8)]).unwrap(), &row);
        assert_eq!(at.to_vec::<i32>().unwrap(), [0, 0, 0, 0, 0, 5, 5, 7, 0, 1, 2, 2, 2, 2, 2, 2]);

        let x = Tensor::from_slice(&[1.0f32, 3., 3., 2., 3., 1., 5., 5.], &[8]).unwrap();
        let w = Tensor::from_slice(&[1.0f32, 2., 3., 4., 5., 6., 7., 8.], &[8]).unwrap();
        let loss = x.cummax(0).unwrap().0.mul(&w).unwrap().sum((), false).unwrap();
        same("gradient", &grad(&loss, &[&x]).unwrap()[0], &[1., 2., 7., 0., 11., 0., 7., 8.]);

        let x = Tensor::from_slice(&[3, 1, i32::MIN, i32::MAX, 0], &[5]).unwrap();
        assert_eq!(x.cummin(0).unwrap().0.to_vec::<i32>().unwrap(), [3, 1, i32::MIN, i32::MIN, i32::MIN]);
        let bytes = Tensor::from_slice(&[3u8, 1, 200, 7, 255], &[5]).unwrap();
        assert_eq!(bytes.cummax(0).unwrap().0.to_vec::<u8>().unwrap(), [3, 3, 200, 200, 255]);
        assert_eq!(bytes.cumsum(0).unwrap().to_vec::<u32>().unwrap(), [3, 4, 204, 211, 466]);
    });
}

#[test]
fn logarithms_of_running_sums_of_any_size() {
    on_each_device(|| {
        let x = Tensor::from_slice(&[-INF, -INF, -200., 100., INF, 3., NAN, 1.], &[8]).unwrap();
        same("infinities", &x.logcumsumexp(0).unwrap(), &[-INF, -INF, -200., 100., INF, INF, NAN, NAN]);
        let x = Tensor::from_slice(&[-100.0f32, -300., 500., 2., 501.], &[5]).unwrap();
        x.set_requires_grad(true).unwrap();
        let y = x.logcumsumexp(0).unwrap();
        same("far apart", &y, &[-100., -100., 500., 500., 501.31326]);
        let g = grad(&y.sum((), false).unwrap(), &[&x]).unwrap().remove(0);
        same("gradient", &g, &[2., 0., 2.26894, 0., 0.73106]);
    });
}

#[test]
fn long_rows() {
    on_each_device(|| {
        let n = 70_001;
        let x = Tensor::from_slice(
            &(0..n).map(|i| i * 7919 % 1009 - 500).collect::<Vec<i32>>(),
            &[1, n as usize],
        )
        .unwrap();
        let values = x.to_vec::<i32>().unwrap();
        let mut sum = 0;
        let sums: Vec<i32> = values.iter().map(|v| (sum += v, sum).1).collect();
        assert_eq!(x.cumsum(1).unwrap().to_vec::<i32>().unwrap(), sums);
        let sums = x.cumsum(1).unwrap();
        let (largest, at) = sums.sub(x.shrink(&[(0, 1), (0, 1)]).unwrap()).unwrap().cummax(1).unwrap();
        let at = at.to_vec::<i32>().unwrap();
        let sums = sums.to_vec::<i32>().unwrap();
        let mut best = 0;
        for (i, (largest, at)) in largest.to_vec::<i32>().unwrap().iter().zip(&at).enumerate() {
            best = if sums[i] >= sums[best] { i } else { best };
            assert_eq!((*largest, *at), (sums[best] + 500, best as i32), "{i}");
        }
        let ones = Tensor::ones(&[1, n as usize]).unwrap();
        let decay = Tensor::full(&[1, 1], 0.5, playgrad::DType::F32).unwrap();
        let h = Tensor::scan(&decay, &ones, 1, true).unwrap();
        same("few turns", &h.shrink(&[(0, 1), (0, 2)]).unwrap(), &[2., 2.]);
    });
}

#[test]
fn rows_of_one_of_none_and_no_row() {
    let scalar = Tensor::from_slice(&[3.0f32], &[]).unwrap();
    assert_eq!(scalar.cumsum(-1).unwrap().item().unwrap(), 3.0);
    assert_eq!(scalar.cummax(0).unwrap().1.to_vec::<i32>().unwrap(), [0]);
    assert!(scalar.cumprod(1).is_err());
    for shape in [[0, 3], [3, 0]] {
        let none = Tensor::zeros(&shape).unwrap();
        for axis in [0, 1] {
            assert_eq!(none.cumprod(axis).unwrap().to_vec::<f32>().unwrap().len(), 0);
            assert_eq!(none.cummin(axis).unwrap().1.shape()[..], shape);
            assert_eq!(none.logcumsumexp(axis).unwrap().shape()[..], shape);
        }
    }
    let x = tensor(&[4, 1], 3);
    same("one", &x.cumprod(1).unwrap(), &x.to_vec::<f32>().unwrap());
    same("one", &x.logcumsumexp(1).unwrap(), &x.to_vec::<f32>().unwrap());
}

#[test]
fn mistakes_name_the_fix() {
    let x = Tensor::ones(&[2, 3]).unwrap();
    for result in [
        Tensor::scan(&x, &Tensor::ones(&[4]).unwrap(), 1, false),
        Tensor::scan(&x, &x, 2, false),
        x.cumsum(-3),
    ] {
        let text = result.map(drop).unwrap_err().to_string();
        assert!(text.contains("scan") || text.contains("cumsum"), "{text}");
    }
}

#[test]
fn kernels_that_share_rows_read_a_scan_from_one_of_them() {
    on_each_device(|| {
        let x = tensor(&[2, 5, 3], 11);
        let (least, places) = x.logcumsumexp(0).unwrap().sin().unwrap().cummin(-1).unwrap();
        let loss = least.mul(tensor(&[2, 5, 3], 12)).unwrap().sum((), false).unwrap();
        let slopes = grad(&loss, &[&x]).unwrap().remove(0);
        let alone = [&least, &places.float().unwrap(), &slopes].map(|t| t.to_vec::<f32>().unwrap());
        let again = tensor(&[2, 5, 3], 11);
        let (least, _) = again.logcumsumexp(0).unwrap().sin().unwrap().cummin(-1).unwrap();
        let loss = least.mul(tensor(&[2, 5, 3], 12)).unwrap().sum((), false).unwrap();
        let together = [least, grad(&loss, &[&again]).unwrap().remove(0)];
        playgrad::tensor::realize_all(&together).unwrap();
        same("values", &together[0], &alone[0]);
        same("gradients", &together[1], &alone[2]);
    });
}

#[test]
fn a_selective_scan_and_its_gradients_are_pytorchs() {
    let stored: serde_json::Value =
        serde_json::from_str(include_str!("reference/mamba.json")).expect("mamba.json is JSON");
    let scan = &stored["scan"];
    let values = |x: &serde_json::Value| -> Vec<f32> {
        x["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
    };
    let tensor = |x: &serde_json::Value| {
        let shape: Vec<usize> =
            x["shape"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect();
        Tensor::from_slice(&values(x), &shape).unwrap()
    };
    on_each_device(|| {
        let names = ["u", "delta", "a", "b", "c", "d"];
        let given = names.map(|name| tensor(&scan["given"][name]));
        let [u, delta, a, b, c, d] = &given;
        for x in &given {
            x.set_requires_grad(true).unwrap();
        }
        let y = selective_scan(u, delta, a, b, c, d).unwrap();
        same("output", &y, &values(&scan["out"]));
        let loss = y.mul(tensor(&scan["weights"])).unwrap().sum((), false).unwrap();
        let gradients = grad(&loss, &given.each_ref()).unwrap();
        for (name, gradient) in names.iter().zip(&gradients) {
            same(name, gradient, &values(&scan["grads"][name]));
        }
    });
}
