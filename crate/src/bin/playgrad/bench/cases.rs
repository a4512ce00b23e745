//! What is measured, as data: whoever reads the results can do the same work elsewhere.

use playgrad::{
    DType, Tensor,
    error::Result,
    tensor::{AttentionOptions, Conv2dOptions},
};

/// How large the cases are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// For a look, and for checks.
    Tiny,
    /// For a CPU.
    Small,
    /// For a GPU: elementwise work on 1 GB.
    Large,
}

pub const SIZES: [&str; 3] = ["tiny", "small", "large"];

impl Size {
    pub fn parse(name: &str) -> Option<Size> {
        let all = [Size::Tiny, Size::Small, Size::Large];
        SIZES.iter().position(|s| *s == name).map(|i| all[i])
    }

    pub fn pick<T: Copy>(self, sizes: [T; 3]) -> T {
        sizes[self as usize]
    }
}

pub const SUITES: [&str; 7] = ["matmul", "map", "reduce", "softmax", "layernorm", "conv", "attention"];

/// One operation on inputs of these shapes.
#[derive(Clone)]
pub struct Case {
    pub suite: &'static str,
    pub op: &'static str,
    pub dtype: DType,
    pub shapes: Vec<Vec<usize>>,
    pub run: fn(&[Tensor]) -> Result<Tensor>,
    pub rate: Rate,
}

/// What a case's speed is told in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// Floating-point operations of one run.
    Flops(f64),
    /// Bytes that one run must read and write.
    Bytes(f64),
}

impl Case {
    /// `matmul 256x256 256x256 float32`
    pub fn name(&self) -> String {
        let shapes: Vec<String> = self
            .shapes
            .iter()
            .map(|s| s.iter().map(usize::to_string).collect::<Vec<_>>().join("x"))
            .collect();
        format!("{} {} {}", self.op, shapes.join(" "), self.dtype.name())
    }
}

/// The cases of all suites.
pub fn cases(size: Size) -> Vec<Case> {
    let mut all = Vec::new();
    let floats = [DType::F32, DType::BF16, DType::F16];
    for n in size.pick([&[24][..], &[256, 512, 1024], &[1024, 2048, 4096, 8192]]) {
        all.push(matmul(*n, DType::F32));
    }
    for dtype in &floats[1..] {
        for n in size.pick([&[24][..], &[512], &[4096, 8192]]) {
            all.push(matmul(*n, *dtype));
        }
    }
    for dtype in floats {
        // The same bytes whatever the dtype.
        let n = size.pick([1_000, 1 << 26, 1 << 30]) / dtype.size();
        all.push(moved("map", "add", dtype, vec![vec![n], vec![n]], n, |x| x[0].add(&x[1])));
        all.push(moved("map", "gelu", dtype, vec![vec![n]], n, |x| x[0].gelu()));
    }
    let n = size.pick([30, 4096, 16384]);
    let square = || vec![vec![n, n]];
    all.push(moved("reduce", "sum", DType::F32, square(), 1, |x| x[0].sum((), false)));
    all.push(moved("reduce", "sum_rows", DType::F32, square(), n, |x| x[0].sum(1, false)));
    all.push(moved("reduce", "sum_columns", DType::F32, square(), n, |x| x[0].sum(0, false)));
    all.push(moved("reduce", "max_rows", DType::F32, square(), n, |x| x[0].max(1, false)));
    for dtype in floats {
        let [rows, columns] = size.pick([[12, 40], [4096, 1024], [1 << 18, 1024]]);
        let (shapes, n) = (|| vec![vec![rows, columns]], rows * columns);
        all.push(moved("softmax", "softmax", dtype, shapes(), n, |x| x[0].softmax(-1)));
        all.push(moved("layernorm", "layernorm", dtype, shapes(), n, |x| x[0].layer_norm(-1, 1e-5)));
    }
    let [n, channels, side] = size.pick([[2, 3, 9], [32, 64, 28], [128, 128, 56]]);
    for dtype in size.pick([&floats[..1], &floats[..1], &floats[..2]]) {
        all.push(conv(n, channels, side, *dtype));
    }
    let [n, heads, length, width] = size.pick([[1, 2, 10, 8], [8, 8, 128, 64], [16, 16, 1024, 64]]);
    for dtype in size.pick([&floats[..1], &floats[..1], &floats[..2]]) {
        all.push(attention([n, heads, length, width], *dtype));
    }
    all
}

fn matmul(n: usize, dtype: DType) -> Case {
    let rate = Rate::Flops(2.0 * (n as f64).powi(3));
    let shapes = vec![vec![n, n], vec![n, n]];
    Case { suite: "matmul", op: "matmul", dtype, shapes, run: |x| x[0].matmul(&x[1]), rate }
}

/// A case that is bound by memory: what it reads plus the `out` elements it writes.
fn moved(
    suite: &'static str,
    op: &'static str,
    dtype: DType,
    shapes: Vec<Vec<usize>>,
    out: usize,
    run: fn(&[Tensor]) -> Result<Tensor>,
) -> Case {
    let read: usize = shapes.iter().map(|s| s.iter().product::<usize>()).sum();
    let rate = Rate::Bytes(((read + out) * dtype.size()) as f64);
    Case { suite, op, dtype, shapes, run, rate }
}

/// 3×3, as many channels out as in.
fn conv(n: usize, channels: usize, side: usize, dtype: DType) -> Case {
    let out = n * channels * (side - 2) * (side - 2);
    Case {
        suite: "conv",
        op: "conv2d",
        dtype,
        shapes: vec![vec![n, channels, side, side], vec![channels, channels, 3, 3]],
        run: |x| x[0].conv2d(&x[1], None, Conv2dOptions::default()),
        rate: Rate::Flops((2 * out * channels * 9) as f64),
    }
}

/// Causal attention; all its scores count, masked or not.
fn attention(shape: [usize; 4], dtype: DType) -> Case {
    let [n, heads, length, width] = shape;
    Case {
        suite: "attention",
        op: "attention",
        dtype,
        shapes: vec![shape.to_vec(); 3],
        run: |x| {
            let options = AttentionOptions { causal: true, ..AttentionOptions::default() };
            x[0].scaled_dot_product_attention(&x[1], &x[2], options)
        },
        rate: Rate::Flops((4 * n * heads * length * length * width) as f64),
    }
}
