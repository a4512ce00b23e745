//! What users get wrong: each mistake is an error of the right kind that says op, got, expected and fix, and NaN and
//! infinity pass through as in PyTorch.

use playgrad::{
    DType,
    error::{Kind, Result},
    nn::{BatchNorm, Conv2d, Linear, Module},
    optim::{AdamOptions, Optimizer, SgdOptions},
    runtime,
    tensor::{AttentionOptions, Conv2dOptions, Pool2dOptions, Slice, Tensor},
};

fn f(shape: &[usize]) -> Tensor {
    Tensor::ones(shape).unwrap()
}

fn ints(values: &[i32]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

type Mistake = fn() -> Result<Tensor>;

/// Kind, a part of what was got, the mistake.
const MISTAKES: [(Kind, &str, Mistake); 58] = [
    (Kind::Shape, "[2, 3] and [2]", || f(&[2, 3]).add(f(&[2]))),
    (Kind::Shape, "[2, 3]", || f(&[2, 3]).matmul(&f(&[2, 3]))),
    (Kind::Shape, "[]", || f(&[]).matmul(&f(&[2]))),
    (Kind::Shape, "[4, -1]", || f(&[2, 3]).reshape(&[4, -1])),
    (Kind::Shape, "[-1, -1]", || f(&[2, 3]).reshape(&[-1, -1])),
    (Kind::Shape, "", || f(&[2, 3]).permute(&[0, 0])),
    (Kind::Shape, "axis 2", || f(&[2, 3]).transpose(0, 2)),
    (Kind::Shape, "axis -3", || f(&[2, 3]).sum(-3, false)),
    (Kind::Shape, "[0, 0]", || f(&[2, 3]).sum([0, 0], false)),
    (Kind::Shape, "", || f(&[0, 3]).max(0, false)),
    (Kind::Shape, "", || f(&[0]).argmax(None, false)),
    (Kind::Shape, "", || f(&[2, 3]).expand(&[2, 4])),
    (Kind::Shape, "", || f(&[2, 3]).shrink(&[(0, 3), (0, 3)])),
    (Kind::Shape, "", || f(&[2, 3]).pad(&[(1, 1)], 0.0)),
    (Kind::Shape, "", || f(&[2]).slice(&[Slice::At(2)])),
    (Kind::Shape, "", || f(&[2]).slice(&[Slice::All, Slice::All])),
    (Kind::Shape, "axis 2", || f(&[2, 3]).squeeze(Some(2))),
    (Kind::Shape, "", || Tensor::cat(&[f(&[2, 3]), f(&[3, 2])], 0)),
    (Kind::Argument, "", || Tensor::cat(&[], 0)),
    (Kind::Argument, "chunks of an empty axis", || Ok(f(&[0]).chunk(usize::MAX, 0)?.remove(0))),
    (Kind::Shape, "", || Tensor::stack(&[f(&[2]), f(&[3])], 0)),
    (Kind::Shape, "3 elements", || Tensor::from_slice(&[1.0f32, 2.0, 3.0], &[2, 2])),
    (Kind::Shape, "", || Tensor::zeros(&[usize::MAX, 2])),
    (Kind::Argument, "step 0", || Tensor::arange(0.0, 5.0, 0.0, DType::I32)),
    (Kind::DType, "float32", || f(&[2, 3]).index(&f(&[1]))),
    (Kind::DType, "float32", || f(&[2, 3]).one_hot(3)),
    (Kind::Shape, "", || f(&[1, 2, 5, 5]).conv2d(&f(&[3, 1, 3, 3]), None, Conv2dOptions::default())),
    (Kind::Shape, "", || f(&[1, 1, 2, 2]).conv2d(&f(&[1, 1, 3, 3]), None, Conv2dOptions::default())),
    (Kind::Shape, "", || f(&[1, 1, 2, 2]).max_pool2d(&[3, 3], Pool2dOptions::default())),
    (Kind::Argument, "stride [0]", || {
        let options = Conv2dOptions { stride: vec![0], ..Conv2dOptions::default() };
        f(&[1, 1, 4, 4]).conv2d(&f(&[1, 1, 2, 2]), None, options)
    }),
    (Kind::Argument, "padding [1, 1, 1]", || {
        let options = Conv2dOptions { padding: vec![1, 1, 1], ..Conv2dOptions::default() };
        f(&[1, 1, 4, 4]).conv2d(&f(&[1, 1, 2, 2]), None, options)
    }),
    (Kind::Shape, "padding (-9, -9)", || {
        let options = Conv2dOptions { padding: vec![-9], ..Conv2dOptions::default() };
        f(&[1, 1, 4, 4]).conv2d(&f(&[1, 1, 2, 2]), None, options)
    }),
    (Kind::Shape, "", || {
        let options = Conv2dOptions { padding: vec![isize::MAX], ..Conv2dOptions::default() };
        f(&[1, 1, 4, 4]).conv2d(&f(&[1, 1, 2, 2]), None, options)
    }),
    (Kind::Shape, "bias [3]", || {
        f(&[1, 1, 4, 4]).conv2d(&f(&[2, 1, 2, 2]), Some(&f(&[3])), Default::default())
    }),
    (Kind::Argument, "kernel of [0, 2]", || {
        f(&[1, 1, 4, 4]).conv2d(&f(&[1, 1, 0, 2]), None, Default::default())
    }),
    (Kind::Shape, "2 input channels", || {
        f(&[1, 2, 4, 4]).conv_transpose2d(&f(&[3, 1, 2, 2]), None, Default::default(), &[])
    }),
    (Kind::Argument, "output_padding [1, 1, 1]", || {
        f(&[1, 1, 4, 4]).conv_transpose2d(&f(&[1, 1, 2, 2]), None, Default::default(), &[1, 1, 1])
    }),
    (Kind::Shape, "padding (-9, -9)", || {
        let options = Conv2dOptions { padding: vec![9], ..Conv2dOptions::default() };
        f(&[1, 1, 4, 4]).conv_transpose2d(&f(&[1, 1, 2, 2]), None, options, &[])
    }),
    (Kind::Shape, "[4]", || f(&[4]).avg_pool2d(&[2, 2], Default::default())),
    (Kind::Shape, "[1, 1, 2]", || {
        f(&[1, 1, 2, 2]).max_unpool2d(&ints(&[0, 1]).reshape(&[1, 1, 2])?, &[2, 2], Default::default(), None)
    }),
    (Kind::Argument, "output_size [4]", || {
        let at = Tensor::zeros(&[1, 1, 2, 2])?.int()?;
        f(&[1, 1, 2, 2]).max_unpool2d(&at, &[2, 2], Default::default(), Some(&[4]))
    }),
    (Kind::Argument, "i1", || Tensor::einsum("i1,jk", &[f(&[2, 2]), f(&[2, 2])], None)),
    (Kind::Argument, "ij,jk", || Tensor::einsum("ij,jk", &[f(&[2, 2])], None)),
    (Kind::Argument, "ij->ik", || Tensor::einsum("ij->ik", &[f(&[2, 2])], None)),
    (Kind::Argument, "ij->", || Tensor::einsum("ij->", &[f(&[2])], None)),
    (Kind::Shape, "2 and 3", || Tensor::einsum("ij,jk", &[f(&[2, 2]), f(&[3, 2])], None)),
    (Kind::Argument, "mode cubic", || f(&[2, 2]).interpolate(&[4], "cubic", false)),
    (Kind::Argument, "align_corners", || f(&[2, 2]).interpolate(&[4], "nearest", true)),
    (Kind::Shape, "size [2, 2, 2]", || f(&[2, 2]).interpolate(&[2, 2, 2], "linear", false)),
    (Kind::Shape, "3 groups", || f(&[2, 4]).group_norm(3, 1e-5)),
    (Kind::Shape, "key [2, 3]", || {
        f(&[2, 4]).scaled_dot_product_attention(&f(&[2, 3]), &f(&[2, 3]), Default::default())
    }),
    (Kind::Shape, "3 heads", || {
        let options = AttentionOptions { gqa: true, ..AttentionOptions::default() };
        f(&[3, 2, 4]).scaled_dot_product_attention(&f(&[2, 2, 4]), &f(&[2, 2, 4]), options)
    }),
    (Kind::Shape, "", || f(&[4, 3]).cross_entropy(&ints(&[0, 1]))),
    (Kind::Shape, "", || f(&[4, 3]).mse(&f(&[4]))),
    (Kind::Shape, "", || Linear::new(3, 2, true)?.forward(&f(&[5, 4]))),
    (Kind::Shape, "", || {
        Conv2d::new(3, 4, &[3, 3], Conv2dOptions { groups: 2, ..Conv2dOptions::default() }, true)?
            .forward(&f(&[1]))
    }),
    (Kind::Shape, "", || BatchNorm::new(3, true, 1e-5, 0.1)?.forward(&f(&[5, 4]))),
    (Kind::Argument, "lr", || {
        let options = SgdOptions { lr: f64::NAN, ..SgdOptions::default() };
        Optimizer::sgd(&[f(&[2])], options).map(|_| f(&[2]))
    }),
];

#[test]
fn mistakes_say_op_got_expected_and_fix() {
    for (i, (kind, got, mistake)) in MISTAKES.into_iter().enumerate() {
        let error = match mistake() {
            Ok(t) => panic!("mistake {i} gives {t:?}"),
            Err(error) => error,
        };
        assert_eq!(error.kind, kind, "mistake {i}: {error}");
        assert!(error.got.contains(got), "mistake {i}: {error}");
        let parts = [&error.op, &error.got, &error.expected, &error.fix];
        assert!(parts.iter().all(|p| !p.is_empty()), "mistake {i}: {error:?}");
    }
}

#[test]
fn an_optimizer_needs_parameters_and_gradients() -> Result<()> {
    assert_eq!(Optimizer::adam(&[], AdamOptions::default()).err().map(|e| e.kind), Some(Kind::Argument));
    let layer = Linear::new(2, 1, true)?;
    let optimizer = Optimizer::adam(&playgrad::nn::parameters(&layer), AdamOptions::default())?;
    let error = optimizer.step().unwrap_err();
    assert!(error.kind == Kind::Argument && error.fix.contains("backward"), "{error}");
    Ok(())
}

#[test]
fn a_request_beyond_the_devices_memory_is_refused_and_the_engine_goes_on() -> Result<()> {
    runtime::set_default("cpu")?;
    let line = Tensor::arange(0.0, f64::from(1 << 20), 1.0, DType::F32)?;
    let huge = line.unsqueeze(0)?.add(line.unsqueeze(1)?)?;
    let error = huge.to_vec::<f32>().unwrap_err();
    assert!(error.kind == Kind::Device && error.got.contains("bytes"), "{error}");
    assert_eq!(f(&[3]).add(1.0)?.to_vec::<f32>()?, [2.0; 3]);
    Ok(())
}

#[test]
fn steps_and_sizes_beyond_what_indices_hold() -> Result<()> {
    runtime::set_default("cpu")?;
    assert_eq!(Tensor::kaiming_normal(&[0, usize::MAX >> 1, 4], 0.01)?.numel(), 0);
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[4])?;
    let far = Slice::Range { start: Some(1), stop: None, step: isize::MAX };
    assert_eq!(x.slice(&[far])?.to_vec::<f32>()?, [2.0]);
    let options =
        Pool2dOptions { stride: Some(vec![isize::MAX as usize]), ceil_mode: true, ..Default::default() };
    assert_eq!(x.max_pool2d(&[2], options)?.to_vec::<f32>()?, [2.0]);
    Ok(())
}

#[test]
fn unknown_devices_are_named() {
    let error = runtime::set_default("tpu").unwrap_err();
    assert!(
        error.kind == Kind::Device && error.got.contains("tpu") && error.expected.contains("cpu"),
        "{error}"
    );
}

#[test]
fn nan_and_infinity_pass_through() -> Result<()> {
    runtime::set_default("cpu")?;
    const NAN: f32 = f32::NAN;
    const INF: f32 = f32::INFINITY;
    let x = Tensor::from_slice(&[NAN, INF, -INF, 1.0], &[4])?;
    let same = |op: &str, y: Tensor, expected: [f32; 4]| {
        let got = y.to_vec::<f32>().unwrap();
        let equal = got.iter().zip(expected).all(|(g, e)| *g == e || (g.is_nan() && e.is_nan()));
        assert!(equal, "{op}: {got:?}, expected {expected:?}");
    };
    let rows = x.reshape(&[2, 2])?.repeat(&[1, 2])?;
    let (largest, at) = rows.max_pool2d_with_indices(&[1, 2], Default::default())?;
    same("max_pool2d", largest.flatten(0)?, [NAN, NAN, 1.0, 1.0]);
    same("max_pool2d", at.float()?.flatten(0)?, [0.0, 2.0, 5.0, 7.0]);
    let lowest = x.slice(&[Slice::Range { start: Some(2), stop: Some(3), step: 1 }])?.expand(&[2, 2])?;
    let options = Pool2dOptions { padding: vec![1], ..Pool2dOptions::default() };
    let (largest, at) = lowest.max_pool2d_with_indices(&[2, 2], options)?;
    same("max_pool2d", largest.flatten(0)?, [-INF; 4]);
    same("max_pool2d", at.float()?.flatten(0)?, [0.0, 1.0, 2.0, 3.0]);
    same("add", x.add(1.0)?, [NAN, INF, -INF, 2.0]);
    same("mul", x.mul(0.5)?, [NAN, INF, -INF, 0.5]);
    same("exp", x.exp()?, [NAN, INF, 0.0, 1f32.exp()]);
    same("sigmoid", x.sigmoid()?.sub(x.sigmoid()?)?, [NAN, 0.0, 0.0, 0.0]);
    same("relu", x.relu()?, [NAN, INF, 0.0, 1.0]);
    same("maximum", x.maximum(0.0)?, [NAN, INF, 0.0, 1.0]);
    same("reciprocal", x.reciprocal()?, [NAN, 0.0, 0.0, 1.0]);
    assert!(x.max((), false)?.item()?.is_nan());
    assert!(x.sum((), false)?.item()?.is_nan());
    assert!(x.softmax(-1)?.to_vec::<f32>()?.iter().all(|v| v.is_nan()));
    assert_eq!(x.ne(&x)?.to_vec::<bool>()?, [true, false, false, false]);
    Ok(())
}
