//! What each dtype does at its edges, the same on every device: casts, wrap, division by zero, shifts, NaN, rounding.
//! Where PyTorch leaves a cast undefined (out of range, NaN) the nearest end and 0 are what we define. Float32
//! subnormals are not here: WGSL allows devices to flush them.

#[path = "emit/device.rs"]
mod device;

use playgrad::{
    DType::{self, BF16, Bool, F16, F32, F64, I8, I32, I64, U8, U32},
    Kind, Result, Tensor,
    graph::{Binary, Node, Op},
    manual_seed,
    nn::{Linear, parameters},
    optim::{Optimizer, SgdOptions},
    runtime,
    tensor::{F16 as Half, block_on},
};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

fn t(dtype: DType, values: &[f64]) -> Tensor {
    let bytes: Vec<u8> = values.iter().flat_map(|v| dtype.bytes_of(*v)[..dtype.size()].to_vec()).collect();
    Tensor::from_bytes(bytes, &[values.len()], dtype).unwrap()
}

fn read(x: &Tensor) -> Vec<f64> {
    let data = block_on(x.data()).unwrap();
    (0..data.len()).map(|i| data.get(i)).collect()
}

/// A primitive that has no method.
fn primitive(op: Binary, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    Ok(Tensor::from_node(Node::new(Op::Binary(op), &[a.node(), b.node()], a.shape(), a.dtype())))
}

struct Row(&'static str, Result<Tensor>, DType, Vec<f64>);

fn casts() -> Vec<Row> {
    let floats = [1.9, -1.9, 300.0, -300.0, 3e9, -3e9, NAN, INF, -INF];
    let i32_ends = (i32::MIN.into(), i32::MAX.into());
    let mut rows = Vec::new();
    for (to, lo, hi) in [(I8, -128.0, 127.0), (U8, 0.0, 255.0), (I32, i32_ends.0, i32_ends.1)] {
        let want = floats.map(|x: f64| if x.is_nan() { 0.0 } else { x.trunc().clamp(lo, hi) + 0.0 });
        rows.push(Row("float32 to integer", t(F32, &floats).cast(to), to, want.to_vec()));
    }
    for from in [F16, BF16] {
        let want = vec![1.0, -1.0, 127.0, -128.0, 0.0, 127.0];
        rows.push(Row("half to int8", t(from, &[1.5, -1.5, 300.0, -300.0, NAN, INF]).cast(I8), I8, want));
    }
    let row = |name, x: Tensor, to, want: &[f64]| Row(name, x.cast(to), to, want.to_vec());
    rows.extend([
        row("float32 to bool", t(F32, &[0.0, -0.0, NAN, 1e-30, INF]), Bool, &[0.0, 0.0, 1.0, 1.0, 1.0]),
        row("float16 to bool", t(F16, &[0.0, -0.0, NAN, 6e-8]), Bool, &[0.0, 0.0, 1.0, 1.0]),
        row(
            "int32 to int8 wraps",
            t(I32, &[127.0, 128.0, 255.0, 256.0, -129.0]),
            I8,
            &[127.0, -128.0, -1.0, 0.0, 127.0],
        ),
        row("int32 to uint8 wraps", t(I32, &[-1.0, 256.0, 300.0]), U8, &[255.0, 0.0, 44.0]),
        row("int8 to uint8 wraps", t(I8, &[-1.0, -128.0, 5.0]), U8, &[255.0, 128.0, 5.0]),
        row("uint8 to int8 wraps", t(U8, &[255.0, 128.0, 5.0]), I8, &[-1.0, -128.0, 5.0]),
        row("int8 to uint32 wraps", t(I8, &[-1.0, 1.0]), U32, &[4_294_967_295.0, 1.0]),
        row("int8 to float32", t(I8, &[-128.0, 127.0]), F32, &[-128.0, 127.0]),
        row("bool to int8", t(Bool, &[1.0, 0.0]), I8, &[1.0, 0.0]),
        row("bool to float16", t(Bool, &[1.0, 0.0]), F16, &[1.0, 0.0]),
        row("int8 to bool", t(I8, &[-1.0, 0.0]), Bool, &[1.0, 0.0]),
        row("uint32 to bfloat16", t(U32, &[4_294_967_295.0, 257.0]), BF16, &[4_294_967_296.0, 256.0]),
        row(
            "float32 to float16",
            t(F32, &[65504.0, 65519.0, 65520.0, -1e9, 2049.0, 2051.0, 0.1, NAN, INF, -0.0]),
            F16,
            &[65504.0, 65504.0, INF, -INF, 2048.0, 2052.0, 0.099_975_585_937_5, NAN, INF, -0.0],
        ),
        row(
            "float32 to float16, subnormals",
            t(F32, &[6e-5, 6.103_515_625e-5, 5.96e-8, 2.98e-8, 2.99e-8, -1e-7]),
            F16,
            &[
                6.002_187_728_881_836e-5,
                6.103_515_625e-5,
                5.960_464_477_539_063e-8,
                0.0,
                5.960_464_477_539_063e-8,
                -1.192_092_895_507_812_5e-7,
            ],
        ),
        row(
            "float32 to bfloat16",
            t(F32, &[1.003_906_25, 1.011_718_75, 3.4e38, -3.4028235e38, 1e-20, NAN, -INF]),
            BF16,
            &[1.0, 1.015_625, INF, -INF, f64::from(f32::from_bits(0x1e3d_0000)), NAN, -INF],
        ),
        row(
            "float16 to bfloat16",
            t(F16, &[65504.0, 0.099_975_585_937_5]),
            BF16,
            &[65536.0, 0.099_609_375 + 0.000_488_281_25],
        ),
        row("bfloat16 to float16", t(BF16, &[1e30, 1.5, -1e-30]), F16, &[INF, 1.5, -0.0]),
    ]);
    rows
}

fn arithmetic() -> Vec<Row> {
    let row = |name, x: Result<Tensor>, dtype, want: &[f64]| Row(name, x, dtype, want.to_vec());
    let pair = |d, a: &[f64], b: &[f64]| (t(d, a), t(d, b));
    let mut rows = Vec::new();
    for (d, lo, hi) in [(I8, -128.0, 127.0), (I32, i32::MIN.into(), i32::MAX.into())] {
        let ends = t(d, &[lo, hi]);
        rows.extend([
            row("wrapping sum", ends.add(t(d, &[-1.0, 1.0])), d, &[hi, lo]),
            row("wrapping difference", ends.sub(t(d, &[1.0, -1.0])), d, &[hi, lo]),
            row("wrapping product", ends.mul(t(d, &[2.0, 2.0])), d, &[0.0, -2.0]),
            row("wrapping negation", ends.neg(), d, &[lo, -hi]),
            row("wrapping size", ends.abs(), d, &[lo, hi]),
            row(
                "division",
                primitive(Binary::IDiv, &t(d, &[7.0, -7.0, 7.0, lo]), &t(d, &[-2.0, 2.0, 0.0, -1.0])),
                d,
                &[-3.0, -3.0, 0.0, lo],
            ),
            row(
                "remainder",
                primitive(Binary::Mod, &t(d, &[7.0, -7.0, 7.0, lo]), &t(d, &[-2.0, 2.0, 0.0, -1.0])),
                d,
                &[1.0, -1.0, 0.0, 0.0],
            ),
            row(
                "shift right",
                primitive(Binary::Shr, &t(d, &[lo, -1.0, hi, 64.0]), &t(d, &[1.0, 40.0, 33.0, 3.0])),
                d,
                &[lo / 2.0, -1.0, 0.0, 8.0],
            ),
            row(
                "shift left",
                primitive(Binary::Shl, &t(d, &[1.0, 3.0, -1.0, 1.0]), &t(d, &[2.0, 40.0, 1.0, 32.0])),
                d,
                &[4.0, 0.0, -2.0, 0.0],
            ),
        ]);
    }
    let (a, b) = pair(U8, &[255.0, 0.0, 200.0, 7.0], &[1.0, 1.0, 2.0, 0.0]);
    rows.extend([
        row("uint8 sum", a.add(&b), U8, &[0.0, 1.0, 202.0, 7.0]),
        row("uint8 difference", a.sub(&b), U8, &[254.0, 255.0, 198.0, 7.0]),
        row("uint8 product", a.mul(&b), U8, &[255.0, 0.0, 144.0, 0.0]),
        row("uint8 division", primitive(Binary::IDiv, &a, &b), U8, &[255.0, 0.0, 100.0, 0.0]),
        row("uint8 remainder", a.rem(&b), U8, &[0.0, 0.0, 0.0, 0.0]),
        row("int8 meets uint8", t(I8, &[-1.0]).add(t(U8, &[255.0])), I32, &[254.0]),
        row("int8 sum", t(I8, &[127.0, 127.0, -3.0]).sum((), false), I32, &[251.0]),
        row("int8 extremes", t(I8, &[5.0, -128.0, 127.0]).max((), false), I8, &[127.0]),
        row("int8 extremes", t(I8, &[5.0, -128.0, 127.0]).min((), false), I8, &[-128.0]),
        row("int8 order", t(I8, &[-1.0, 1.0]).lt(t(I8, &[1.0, -1.0])), Bool, &[1.0, 0.0]),
        row("uint32 division", t(U32, &[4e9, 7.0]).div(t(U32, &[2.0, 0.0])), F32, &[2e9, INF]),
        row("no remainder of zero", t(F32, &[1.0, NAN]).rem(t(F32, &[0.0, 1.0])), F32, &[NAN, NAN]),
    ]);
    rows
}

fn floats() -> Vec<Row> {
    let row = |name, x: Result<Tensor>, dtype, want: &[f64]| Row(name, x, dtype, want.to_vec());
    let mut rows = Vec::new();
    for d in [F16, BF16, F32] {
        let x = || t(d, &[1.0, NAN, -INF, 3.0]);
        let y = || t(d, &[2.0, 2.0, NAN, -0.0]);
        rows.extend([
            row("maximum", x().maximum(y()), d, &[2.0, NAN, NAN, 3.0]),
            row("minimum", x().minimum(y()), d, &[1.0, NAN, NAN, 0.0]),
            row("largest", x().max((), false), d, &[NAN]),
            row("smallest", t(d, &[1.0, -INF, 2.0]).min((), false), d, &[-INF]),
            row("less", x().lt(y()), Bool, &[1.0, 0.0, 0.0, 0.0]),
            row("equal", x().eq(x()), Bool, &[1.0, 0.0, 1.0, 1.0]),
            row("zeros are equal", t(d, &[0.0]).eq(t(d, &[-0.0])), Bool, &[1.0]),
            row("choice", x().lt(2.0).unwrap().where_(x(), 7.0), d, &[1.0, 7.0, -INF, 7.0]),
            row("infinities cancel", t(d, &[INF, -INF]).sum((), false), d, &[NAN]),
            row("by zero", t(d, &[1.0, -1.0, 0.0]).div(t(d, &[0.0, 0.0, 0.0])), d, &[INF, -INF, NAN]),
            row("exp", t(d, &[-INF, INF, NAN, 0.0]).exp(), d, &[0.0, INF, NAN, 1.0]),
            row("log", t(d, &[0.0, INF, -1.0, 1.0]).log(), d, &[-INF, INF, NAN, 0.0]),
            row("root", t(d, &[4.0, INF, -1.0]).sqrt(), d, &[2.0, INF, NAN]),
            row("negation", t(d, &[0.5, -INF]).neg(), d, &[-0.5, INF]),
            row("whole", t(d, &[2.5, -2.5, 1e30, NAN]).trunc(), d, &[2.0, -2.0, d.hold(1e30), NAN]),
        ]);
    }
    let one = |d: DType, n: usize| t(d, &vec![1.0; n]);
    rows.extend([
        row("each step rounds", t(F16, &[2048.0]).add(1.0).and_then(|x| x.add(1.0)), F16, &[2048.0]),
        row("each step rounds", t(BF16, &[256.0]).add(1.0).and_then(|x| x.add(1.0)), BF16, &[256.0]),
        row(
            "float16 overflows",
            t(F16, &[300.0, 60000.0]).mul(t(F16, &[300.0, 1.0])),
            F16,
            &[INF, 60000.0_f64.min(F16.hold(60000.0))],
        ),
        row("a sum rounds once", one(F16, 4000).sum((), false), F16, &[4000.0]),
        row("a sum rounds once", one(BF16, 300).sum((), false), BF16, &[300.0]),
        row("a mean does not overflow", t(F16, &[60000.0; 8]).mean((), false), F16, &[F16.hold(60000.0)]),
        row(
            "products are summed in float32",
            one(F16, 4100).reshape(&[1, -1]).and_then(|x| x.matmul(&one(F16, 4100))),
            F16,
            &[4100.0],
        ),
        row("a number keeps float16", t(F16, &[1.0]).mul(0.1), F16, &[0.099_975_585_937_5]),
        row("float16 meets bfloat16", t(F16, &[1.0]).add(t(BF16, &[1.0])), F32, &[2.0]),
        row("float16 meets int32", t(F16, &[1.0]).add(t(I32, &[2.0])), F16, &[3.0]),
        row("bits of float16", t(F16, &[1.0]).bitcast(BF16), BF16, &[0.007_812_5]),
        row("bits of bfloat16", t(BF16, &[1.0]).bitcast(F16), F16, &[1.875]),
        row("bits of int8", t(I8, &[-1.0]).bitcast(U8), U8, &[255.0]),
        row("odd lengths", t(F16, &[1.0, 2.0, 3.0, 4.0, 5.0]).flip(0), F16, &[5.0, 4.0, 3.0, 2.0, 1.0]),
        row("odd lengths", t(I8, &[1.0, -2.0, 3.0, -4.0, 5.0]).flip(0), I8, &[5.0, -4.0, 3.0, -2.0, 1.0]),
        row("picks", t(F16, &[1.5, 2.5, 3.5]).index(&t(I32, &[2.0, 0.0, 2.0])), F16, &[3.5, 1.5, 3.5]),
        row("padding", t(BF16, &[1.5, 2.5]).pad(&[(1, 2)], 0.5), BF16, &[0.5, 1.5, 2.5, 0.5, 0.5]),
        row("running sums", t(F16, &[1.0, 2.0, 3.0]).cumsum(0), F16, &[1.0, 3.0, 6.0]),
        row("running sums", t(I8, &[100.0, 100.0]).cumsum(0), I32, &[100.0, 200.0]),
    ]);
    rows
}

/// On the CPU alone.
fn wide() -> Vec<Row> {
    let row = |name, x: Result<Tensor>, dtype, want: &[f64]| Row(name, x, dtype, want.to_vec());
    let long = |v: &[i64]| Tensor::from_slice(v, &[v.len()]).unwrap();
    let ends = || long(&[i64::MIN, i64::MAX]);
    let minus = |x: Result<Tensor>, by: i64| x.and_then(|x| x.sub(by));
    let eye = || t(F64, &[1.0, 2.0, 3.0, 4.0]).reshape(&[2, 2]);
    vec![
        row("wraps", minus(ends().add(long(&[-1, 1])), 0), I64, &[i64::MAX as f64, i64::MIN as f64]),
        row("exact", minus(long(&[(1 << 62) + 1]).add(2i64), 1 << 62), I64, &[3.0]),
        row("long constants", minus(long(&[(1 << 60) + 5]).mul(1i64), (1 << 60) + 3), I64, &[2.0]),
        row(
            "division",
            primitive(Binary::IDiv, &long(&[-7, 7, i64::MIN]), &long(&[2, 0, -1])),
            I64,
            &[-3.0, 0.0, i64::MIN as f64],
        ),
        row(
            "shift",
            primitive(Binary::Shl, &long(&[1, 1, 3]), &long(&[40, 64, 1])),
            I64,
            &[(1i64 << 40) as f64, 0.0, 6.0],
        ),
        row("shift", primitive(Binary::Shr, &long(&[-8, -1]), &long(&[1, 99])), I64, &[-4.0, -1.0]),
        row("of a float", t(F32, &[1e30, NAN, -2.7]).cast(I64), I64, &[i64::MAX as f64, 0.0, -2.0]),
        row(
            "to int32 wraps",
            long(&[1 << 32, (1 << 31) + 1]).cast(I32),
            I32,
            &[0.0, f64::from(i32::MIN) + 1.0],
        ),
        row("to int8 wraps", long(&[300, -129]).cast(I8), I8, &[44.0, 127.0]),
        row("to bool", long(&[1 << 40, 0]).cast(Bool), Bool, &[1.0, 0.0]),
        row("to float16", long(&[70000, 2049]).cast(F16), F16, &[INF, 2048.0]),
        row("of uint32 and int32", t(U32, &[4e9]).add(t(I32, &[-1.0])), I64, &[3_999_999_999.0]),
        row("sum", long(&[1 << 40; 300]).sum((), false), I64, &[300.0 * (1u64 << 40) as f64]),
        row("extremes", ends().max((), false), I64, &[i64::MAX as f64]),
        row("order", long(&[1 << 40]).lt(long(&[(1 << 40) + 1])), Bool, &[1.0]),
        row(
            "running sum",
            long(&[1 << 40, 1, 1]).cumsum(0),
            I64,
            &[(1u64 << 40) as f64, (1u64 << 40) as f64 + 1.0, (1u64 << 40) as f64 + 2.0],
        ),
        row("float64", t(F64, &[0.1, 1e300]).add(t(F64, &[0.2, 1e300])), F64, &[0.1 + 0.2, 2e300]),
        row("float64 sum", t(F64, &[1e16, 1.0, 1.0]).sum((), false), F64, &[1e16 + 2.0]),
        row(
            "float64 functions",
            t(F64, &[1.0, 0.0]).exp(),
            F64,
            &[1f64.exp2().powf(0.0) * std::f64::consts::E, 1.0],
        ),
        row("float64 to float32", t(F64, &[0.1, 1e300]).cast(F32), F32, &[f64::from(0.1f32), INF]),
        row("float64 to float16", t(F64, &[0.1, 1e300]).cast(F16), F16, &[0.099_975_585_937_5, INF]),
        row("float64 to int32", t(F64, &[2.9, -3e9, NAN]).cast(I32), I32, &[2.0, i32::MIN.into(), 0.0]),
        row(
            "float64 product",
            eye().and_then(|x| x.matmul(&x)).and_then(|x| x.reshape(&[4])),
            F64,
            &[7.0, 10.0, 15.0, 22.0],
        ),
        row(
            "float64 choice",
            t(F64, &[1.0, NAN]).lt(2.0).unwrap().where_(t(F64, &[0.1, 0.1]), -1.0),
            F64,
            &[0.1, -1.0],
        ),
        row("float64 padding", t(F64, &[0.1]).pad(&[(1, 1)], 0.0), F64, &[0.0, 0.1, 0.0]),
        row("float64 bits", t(F64, &[1.0]).bitcast(I64), I64, &[0x3ff0_0000_0000_0000u64 as f64]),
    ]
}

fn check(rows: Vec<Row>) {
    let mut failures = Vec::new();
    for Row(name, got, dtype, want) in rows {
        let got = match got {
            Ok(got) => got,
            Err(e) => {
                failures.push(format!("{name}: {e}"));
                continue;
            }
        };
        let values = read(&got);
        let wide = |d: DType| if d == F64 { 1e-15 } else { 0.0 };
        let same = |(g, w): (&f64, &f64)| {
            g == w || g.is_nan() && w.is_nan() || (g - w).abs() <= wide(dtype) * w.abs()
        };
        if got.dtype() != dtype || values.len() != want.len() || !values.iter().zip(&want).all(same) {
            failures.push(format!("{name}: {} {values:?} is not {dtype} {want:?}", got.dtype()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn cpu() {
    runtime::set_default("cpu").unwrap();
    check([casts(), arithmetic(), floats(), wide()].into_iter().flatten().collect());
}

#[test]
fn emitted() {
    let ran = device::install();
    runtime::set_default("cpu").unwrap();
    check([casts(), arithmetic(), floats()].into_iter().flatten().collect());
    assert!(ran.get() > 100, "{} kernels", ran.get());
}

#[test]
fn vulkan() {
    if let Err(e) = runtime::set_default("vulkan") {
        return println!("skipped: {e}");
    }
    check([casts(), arithmetic(), floats()].into_iter().flatten().collect());
    for x in [t(F64, &[1.0]).add(1.0), t(I64, &[1.0]).neg(), t(F32, &[1.0]).cast(F64)] {
        let error = x.unwrap().item().unwrap_err();
        assert_eq!(error.kind, Kind::DType, "{error}");
        assert!(error.got.contains("64 on vulkan") && error.fix.contains("cpu"), "{error}");
    }
}

#[test]
fn values_survive_reading_and_printing() {
    for dtype in DType::ALL {
        let x = t(dtype, &[0.0, 1.0, 1.0]);
        assert_eq!(read(&x.contiguous()), [0.0, 1.0, 1.0], "{dtype}");
    }
    let text = |x: Tensor| block_on(x.to_text()).unwrap();
    assert_eq!(text(t(F16, &[0.1, 1.0, 65504.0])), "[1.00e-01 1.00e+00 6.55e+04]");
    assert_eq!(text(t(F16, &[0.1, 2.5])), "[0.1 2.5]");
    assert_eq!(text(t(F64, &[0.1, 1.0 / 3.0])), "[0.1        0.33333333]");
    assert_eq!(text(t(I8, &[-128.0, 5.0])), "[-128    5]");
    assert_eq!(text(Tensor::from_slice(&[i64::MAX], &[1]).unwrap()), "[9223372036854775807]");
    assert_eq!(f32::from(t(F16, &[1.5]).to_vec::<Half>().unwrap()[0]), 1.5);
}

/// Weights in float32, products in 16 bits: the gradients come back in float32.
fn trains(dtype: DType, scale: f64) {
    manual_seed(1);
    let layers = [Linear::new(2, 16, true).unwrap(), Linear::new(16, 1, true).unwrap()];
    let weights: Vec<Tensor> = layers.iter().flat_map(|l| parameters(l)).collect();
    let optimizer = Optimizer::sgd(&weights, SgdOptions { lr: 0.2, ..SgdOptions::default() }).unwrap();
    let x = Tensor::from_slice(&[0f32, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], &[4, 2]).unwrap();
    let y = Tensor::from_slice(&[0f32, 1.0, 1.0, 2.0], &[4, 1]).unwrap();
    let half = |t: &Tensor| t.cast(dtype).unwrap();
    let forward = |x: &Tensor, l: &Linear| {
        half(x).linear(&half(&l.weight).t(), l.bias.as_ref().map(half).as_ref()).unwrap()
    };
    let mut losses = Vec::new();
    for _ in 0..60 {
        let hidden = forward(&x, &layers[0]).relu().unwrap();
        assert_eq!(hidden.dtype(), dtype);
        let loss = forward(&hidden, &layers[1]).float().unwrap().mse(&y).unwrap();
        optimizer.zero_grad();
        loss.mul(scale).unwrap().backward().unwrap();
        for w in &weights {
            let grad = w.grad().unwrap();
            assert_eq!(grad.dtype(), F32);
            w.set_grad(Some(grad.mul(1.0 / scale).unwrap()));
        }
        optimizer.step().unwrap();
        losses.push(loss.item().unwrap());
    }
    assert!(losses[59] < 0.01 && losses[0] > 0.3, "{dtype}: {losses:?}");
}

#[test]
fn mixed_precision_trains_with_a_scaled_loss() {
    runtime::set_default("cpu").unwrap();
    trains(F16, 1024.0);
    trains(BF16, 1.0);
}

/// A gradient too small for float16 survives when the loss is scaled.
#[test]
fn scaling_the_loss_saves_small_gradients() {
    runtime::set_default("cpu").unwrap();
    let gradient = |scale: f64| {
        let w = t(F32, &[1.0]);
        w.set_requires_grad(true).unwrap();
        let loss = w.cast(F16).unwrap().float().unwrap().mul(1e-8 * scale).unwrap();
        loss.sum((), false).unwrap().backward().unwrap();
        w.grad().unwrap().item().unwrap() / scale
    };
    assert_eq!(gradient(1.0), 0.0);
    assert!((gradient(65536.0) - 1e-8).abs() < 1e-11);
}
