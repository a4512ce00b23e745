//! What methods return: values, dtypes, shapes, printing, random numbers, and the errors for wrong use.

use playgrad::{
    DType, Kind, Result, Tensor, manual_seed,
    tensor::{Conv2dOptions, Data, Operand, Slice, format},
};

fn f(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape).unwrap()
}

fn values(t: Result<Tensor>) -> Vec<f32> {
    t.unwrap().cast(DType::F32).unwrap().to_vec().unwrap()
}

#[test]
fn creation() {
    assert_eq!(values(Tensor::arange(1.0, 4.0, 1.0, DType::I32)), [1.0, 2.0, 3.0]);
    assert_eq!(values(Tensor::arange(5.0, 0.0, -2.0, DType::F32)), [5.0, 3.0, 1.0]);
    assert_eq!(values(Tensor::linspace(0.0, 1.0, 5)), [0.0, 0.25, 0.5, 0.75, 1.0]);
    assert_eq!(values(Tensor::eye(2)), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(values(Tensor::full(&[2], 300.0, DType::U8)), [255.0, 255.0]);
    assert_eq!(Tensor::scalar(3).unwrap().dtype(), DType::I32);
    assert_eq!(values(Tensor::zeros(&[0, 3])), [0f32; 0]);
}

#[test]
fn dtypes_meet_as_documented() {
    let of = |dtype| Tensor::full(&[2], 1.0, dtype).unwrap();
    let meet = |a: DType, b: Operand| of(a).add(b).unwrap().dtype();
    assert_eq!(meet(DType::Bool, of(DType::Bool).into()), DType::I32);
    assert_eq!(meet(DType::U8, of(DType::I32).into()), DType::I32);
    assert_eq!(meet(DType::I32, of(DType::F32).into()), DType::F32);
    assert_eq!(meet(DType::U8, 1.into()), DType::U8);
    assert_eq!(meet(DType::U8, 0.5.into()), DType::F32);
    assert_eq!(meet(DType::F32, 2.into()), DType::F32);
    assert_eq!(of(DType::I32).div(2).unwrap().dtype(), DType::F32);
    assert_eq!(of(DType::U8).sum((), false).unwrap().dtype(), DType::U32);
    assert_eq!(of(DType::I32).mean((), false).unwrap().dtype(), DType::F32);
    assert_eq!(of(DType::I32).lt(2).unwrap().dtype(), DType::Bool);
    assert_eq!(of(DType::I32).exp().unwrap().dtype(), DType::F32);
}

#[test]
fn rounding_and_remainders() {
    let x = f(&[-2.5, -1.5, -0.5, 0.4, 0.5, 1.5, 2.5, 16777217.0], &[8]);
    assert_eq!(values(x.round()), [-2.0, -2.0, 0.0, 0.0, 0.0, 2.0, 2.0, 16777216.0]);
    assert_eq!(values(x.floor())[..5], [-3.0, -2.0, -1.0, 0.0, 0.0]);
    assert_eq!(values(x.ceil())[..5], [-2.0, -1.0, 0.0, 1.0, 1.0]);
    assert_eq!(values(x.trunc())[..5], [-2.0, -1.0, 0.0, 0.0, 0.0]);
    let i = Tensor::from_slice(&[-5i32, 5, -6, 7], &[4]).unwrap();
    assert_eq!(values(i.rem(3)), [1.0, 2.0, 0.0, 1.0]);
    assert_eq!(values(i.rem(-3)), [-2.0, -1.0, 0.0, -2.0]);
    assert_eq!(values(f(&[-5.5, 5.5], &[2]).rem(2.0)), [0.5, 1.5]);
}

#[test]
fn integers_reduce_without_overflow() {
    let i = Tensor::from_slice(&[i32::MIN, 3, i32::MAX], &[3]).unwrap();
    assert_eq!(i.min((), false).unwrap().to_vec::<i32>().unwrap(), [i32::MIN]);
    assert_eq!(i.max((), false).unwrap().to_vec::<i32>().unwrap(), [i32::MAX]);
    assert_eq!(i.argmin(None, false).unwrap().to_vec::<i32>().unwrap(), [0]);
    let u = Tensor::from_slice(&[200u8, 100, 255], &[3]).unwrap();
    assert_eq!(u.sum((), false).unwrap().to_vec::<u32>().unwrap(), [555]);
    assert_eq!(u.min((), false).unwrap().to_vec::<u8>().unwrap(), [100]);
    assert_eq!(u.argmin(None, false).unwrap().to_vec::<i32>().unwrap(), [1]);
    assert_eq!(values(f(&[1.0, 3.0, 3.0], &[3]).argmax(Some(0), false)), [1.0]);
}

#[test]
fn comparisons_know_nan() {
    let x = f(&[1.0, f32::NAN], &[2]);
    assert_eq!(values(x.le(1.0)), [1.0, 0.0]);
    assert_eq!(values(x.ge(1.0)), [1.0, 0.0]);
    assert_eq!(values(x.ne(&x)), [0.0, 1.0]);
    assert!(values(x.minimum(5.0))[1].is_nan());
    assert!(values(x.clip(0.0, 0.5))[1].is_nan());
}

#[test]
fn powers() {
    let x = f(&[-2.0, 0.0, 3.0], &[3]);
    assert_eq!(values(x.pow(3)), [-8.0, 0.0, 27.0]);
    assert_eq!(values(x.pow(0)), [1.0, 1.0, 1.0]);
    let p = values(x.pow(Tensor::scalar(1.5).unwrap()));
    assert!(p[0].is_nan() && p[1] == 0.0 && (p[2] - 5.196_152).abs() < 1e-5, "{p:?}");
    let i = Tensor::from_slice(&[2i32, -3], &[2]).unwrap();
    assert_eq!(i.pow(Tensor::scalar(5).unwrap()).unwrap().to_vec::<i32>().unwrap(), [32, -243]);
}

#[test]
fn slices_follow_python() {
    let x = Tensor::arange(0.0, 10.0, 1.0, DType::I32).unwrap();
    let cut = |start, stop, step| values(x.slice(&[Slice::Range { start, stop, step }]));
    assert_eq!(cut(Some(2), Some(-2), 3), [2.0, 5.0]);
    assert_eq!(cut(None, None, -4), [9.0, 5.0, 1.0]);
    assert_eq!(cut(Some(-3), None, 1), [7.0, 8.0, 9.0]);
    assert_eq!(cut(Some(7), Some(2), -2), [7.0, 5.0, 3.0]);
    assert_eq!(cut(Some(8), Some(3), 1), [0f32; 0]);
    assert_eq!(cut(Some(0), Some(100), 9), [0.0, 9.0]);
    assert_eq!(values(x.slice(&[Slice::At(-1)])), [9.0]);
}

#[test]
fn picking() {
    let x = f(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[3, 2]);
    let rows = Tensor::from_slice(&[2i32, -1, 0, 9], &[2, 2]).unwrap();
    let picked = x.index(&rows).unwrap();
    assert_eq!(picked.shape()[..], [2, 2, 2]);
    assert_eq!(values(Ok(picked)), [5.0, 6.0, 5.0, 6.0, 1.0, 2.0, 0.0, 0.0]);
    let columns = Tensor::from_slice(&[1i32, 0, 1], &[3, 1]).unwrap();
    assert_eq!(values(x.gather(1, &columns)), [2.0, 3.0, 6.0]);
    assert_eq!(values(columns.one_hot(2)), [0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn assignment_keeps_what_was_computed_before() {
    let w = f(&[1.0, 2.0], &[2]);
    let before = w.mul(10).unwrap();
    w.assign(&w.add(1).unwrap()).unwrap();
    w.assign(&w.add(&w).unwrap()).unwrap();
    assert_eq!(values(Ok(before)), [10.0, 20.0]);
    assert_eq!(values(Ok(w.clone())), [4.0, 6.0]);
    assert_eq!(w.assign(&f(&[1.0], &[1])).unwrap_err().kind, Kind::Shape);
}

#[test]
fn numbers_of_tinygrad() {
    let close = |got: Result<Tensor>, expected: &[f32]| {
        let got = values(got);
        let near = got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-6 * b.abs().max(1.0));
        assert!(near && got.len() == expected.len(), "{got:?} is not {expected:?}");
    };
    manual_seed(42);
    close(Tensor::rand(&[5]), &[0.38104248, 0.0097754, 0.11280072, 0.1176995, 0.5053618]);
    close(Tensor::rand(&[2, 3]), &[0.8983525, 0.96859074, 0.59687257, 0.91169095, 0.986889, 0.3919412]);
    close(Tensor::randn(&[4]), &[-0.57964224, 0.43110254, 0.68481815, -0.9000774]);
    close(Tensor::randint(&[6], 0, 100), &[21.0, 27.0, 92.0, 10.0, 70.0, 74.0]);
    close(Tensor::uniform(&[3], -2.0, 3.0), &[-0.4484136, 0.9834217, -0.6073184]);
    close(
        Tensor::kaiming_uniform(&[2, 3], 0.01),
        &[-0.24754708, -0.97400004, 0.29282504, -0.07533423, -0.34923762, -1.1914295],
    );
    close(
        Tensor::glorot_uniform(&[2, 3]),
        &[-0.86355096, -1.0097901, 0.59761316, 0.19034317, 0.8502428, -1.0282505],
    );
}

#[test]
fn draws_are_kept_and_differ() {
    manual_seed(1);
    let many: Vec<Tensor> = (0..40).map(|_| Tensor::rand(&[3]).unwrap()).collect();
    let first = values(Ok(many[0].clone()));
    let rest: Vec<Vec<f32>> = many.iter().map(|t| values(Ok(t.clone()))).collect();
    assert_eq!(rest[0], first);
    assert!((1..40).all(|i| rest[i] != rest[i - 1]));
    manual_seed(1);
    for expected in rest {
        assert_eq!(values(Tensor::rand(&[3])), expected);
    }
}

#[test]
fn prints_as_numpy() {
    let text = |v: &[f32], shape: &[usize]| format(shape, &Data::F32(v.to_vec()));
    assert_eq!(text(&[1.0, 2.5, -3.0], &[3]), "[ 1.   2.5 -3. ]");
    assert_eq!(text(&[1.0, 2.0, 3.0, 4.5], &[2, 2]), "[[1.  2. ]\n [3.  4.5]]");
    assert_eq!(text(&[1e-5, 1.0], &[2]), "[1.e-05 1.e+00]");
    assert_eq!(text(&[0.1, 1.0 / 3.0, 1000.5], &[3]), "[1.0000000e-01 3.3333334e-01 1.0005000e+03]");
    assert_eq!(text(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0], &[4]), "[ nan  inf -inf   1.]");
    assert_eq!(text(&[f32::NAN, 1e-7], &[2]), "[   nan 1.e-07]");
    assert_eq!(text(&[1e-10, -2.5e20], &[2]), "[ 1.0e-10 -2.5e+20]");
    assert_eq!(text(&[3.25], &[]), "3.25");
    assert_eq!(text(&[0.0, 0.0], &[2]), "[0. 0.]");
    assert_eq!(text(&[123_456.79], &[1]), "[123456.79]");
    assert_eq!(text(&[], &[2, 0]), "[]");
    let sevenths: Vec<f32> = (0..8).map(|i| i as f32 / 7.0).collect();
    assert_eq!(
        text(&sevenths, &[2, 1, 4]),
        "[[[0.         0.14285715 0.2857143  0.42857143]]\n\n [[0.5714286  0.71428573 0.85714287 1.        ]]]"
    );
    assert_eq!(format(&[2], &Data::Bool(vec![true, false])), "[ True False]");
    assert_eq!(format(&[2, 2], &Data::U8(vec![0, 255, 3, 4])), "[[  0 255]\n [  3   4]]");
    let count: Vec<i32> = (0..2000).collect();
    assert_eq!(
        format(&[30], &Data::I32(count[..30].to_vec())),
        "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n 24 25 26 27 28 29]"
    );
    assert_eq!(format(&[2000], &Data::I32(count)), "[   0    1    2 ... 1997 1998 1999]");
    let square: Vec<i32> = (0..1200).collect();
    assert_eq!(
        format(&[30, 40], &Data::I32(square)),
        "[[   0    1    2 ...   37   38   39]\n [  40   41   42 ...   77   78   79]\n [  80   81   82 ...  117  118  119]\n ...\n [1080 1081 1082 ... 1117 1118 1119]\n [1120 1121 1122 ... 1157 1158 1159]\n [1160 1161 1162 ... 1197 1198 1199]]"
    );
}

#[test]
fn scalars_print_as_numpy() {
    let text = |v: f32| format(&[], &Data::F32(vec![v]));
    assert_eq!(text(1e10), "1e+10");
    assert_eq!(text(0.1), "0.1");
    assert_eq!(text(1e-5), "1e-05");
    assert_eq!(text(1.0), "1.0");
    assert_eq!(text(-2.0), "-2.0");
    assert_eq!(text(f32::NAN), "nan");
    assert_eq!(text(123456789.0), "1.2345679e+08");
}

#[test]
fn mistakes_are_errors_with_a_fix() {
    let x = f(&[0.0; 6], &[2, 3]);
    let image = f(&[0.0; 16], &[1, 1, 4, 4]);
    let int = Tensor::from_slice(&[0i32, 1], &[2]).unwrap();
    let filter = f(&[0.0; 25], &[1, 1, 5, 5]);
    let cases: Vec<(&str, Kind, Result<Tensor>)> = vec![
        ("add", Kind::Shape, x.add(f(&[0.0; 4], &[4]))),
        ("reshape", Kind::Shape, x.reshape(&[4, -1])),
        ("permute", Kind::Shape, x.permute(&[0, 0])),
        ("expand", Kind::Shape, x.expand(&[2, 4])),
        ("shrink", Kind::Shape, x.shrink(&[(0, 3), (0, 3)])),
        ("slice", Kind::Shape, x.slice(&[Slice::At(2)])),
        ("sum", Kind::Shape, x.sum(2, false)),
        ("max", Kind::Shape, Tensor::zeros(&[0]).unwrap().max((), false)),
        ("cat", Kind::Shape, Tensor::cat(&[x.clone(), int.unsqueeze(0).unwrap()], 0)),
        ("cat", Kind::Argument, Tensor::cat(&[], 0)),
        ("matmul", Kind::Shape, x.matmul(&x)),
        ("linear", Kind::Shape, x.linear(&f(&[0.0; 4], &[2, 2]), None)),
        ("conv2d", Kind::Shape, image.conv2d(&filter, None, Conv2dOptions::default())),
        ("conv2d", Kind::Shape, x.conv2d(&filter, None, Conv2dOptions::default())),
        ("max_pool2d", Kind::Shape, image.max_pool2d(&[5, 5], Default::default())),
        ("index", Kind::DType, x.index(&x)),
        ("cross_entropy", Kind::Shape, x.cross_entropy(&f(&[0.0; 2], &[2]))),
        ("mse", Kind::Shape, x.mse(&int)),
        ("dropout", Kind::Argument, x.dropout(1.5)),
        ("randint", Kind::Argument, Tensor::randint(&[2], 3, 3)),
        ("tensor", Kind::Shape, Tensor::from_slice(&[1f32, 2.0], &[3])),
        ("full", Kind::Shape, Tensor::zeros(&[usize::MAX, 8])),
        ("arange", Kind::Argument, Tensor::arange(0.0, 1.0, 0.0, DType::F32)),
    ];
    for (op, kind, result) in cases {
        let error = result.expect_err(op);
        assert_eq!((error.op.as_str(), error.kind), (op, kind), "{error}");
        assert!(!error.got.is_empty() && !error.expected.is_empty() && !error.fix.is_empty(), "{error}");
    }
    assert_eq!(x.item().unwrap_err().kind, Kind::Shape);
    assert_eq!(x.to_vec::<i32>().unwrap_err().kind, Kind::DType);
    assert_eq!(x.backward().unwrap_err().kind, Kind::Shape);
}

#[test]
fn huge_requests_are_errors() {
    let row = Tensor::arange(0.0, 65536.0, 1.0, DType::F32).unwrap();
    let huge = row.expand(&[1 << 20, -1]).unwrap();
    for t in [Tensor::zeros(&[1 << 20, 65536]), huge.add(1.0), huge.contiguous().sum(0, false)] {
        let error = t.unwrap().to_vec::<f32>().map(|values| values.len()).unwrap_err();
        assert!(error.kind == Kind::Device && error.got.contains("274877906944"), "{error}");
    }
}
