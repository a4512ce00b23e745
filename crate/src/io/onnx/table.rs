//! Every operator: its name, the opsets it is read in, and its function.

use super::{
    call::Call,
    ops::{activation, conv, elementwise as e, index, linear, movement, norm, pool, reduce, resize, shape},
    value::Value,
};
use crate::{error::Result, tensor::Tensor};

pub(super) const FIRST: i64 = 7;
pub(super) const LAST: i64 = 22;

pub(super) enum Run {
    One(fn(&Call) -> Result<Tensor>),
    Many(fn(&Call) -> Result<Vec<Tensor>>),
    /// Known whatever the inputs are.
    Value(fn(&Call) -> Result<Value>),
}

pub(super) struct Row {
    pub name: &'static str,
    pub first: i64,
    pub last: i64,
    pub run: Run,
}

/// The function of an operator in an opset.
pub(super) fn row(name: &str, opset: i64) -> Option<&'static Row> {
    let found = ROWS.binary_search_by(|row| row.name.cmp(name)).ok().map(|i| &ROWS[i]);
    found.filter(|row| (row.first..=row.last).contains(&opset))
}

const fn since(first: i64, name: &'static str, run: Run) -> Row {
    Row { name, first, last: LAST, run }
}

const fn one(name: &'static str, f: fn(&Call) -> Result<Tensor>) -> Row {
    since(FIRST, name, Run::One(f))
}

const fn one_since(first: i64, name: &'static str, f: fn(&Call) -> Result<Tensor>) -> Row {
    since(first, name, Run::One(f))
}

const fn many(name: &'static str, f: fn(&Call) -> Result<Vec<Tensor>>) -> Row {
    since(FIRST, name, Run::Many(f))
}

/// In the order of their names.
pub(super) static ROWS: &[Row] = &[
    one("Abs", |c| e::one(c, |x| x.abs())),
    one("Acos", |c| c.x(0)?.acos()),
    one_since(9, "Acosh", |c| c.x(0)?.acosh()),
    one("Add", |c| e::two(c, |a, b| a.add(b))),
    one("And", |c| e::bools(c, |a, b| a.bitwise_and(b))),
    one("ArgMax", reduce::argmax),
    one("ArgMin", reduce::argmin),
    one("Asin", |c| c.x(0)?.asin()),
    one_since(9, "Asinh", |c| c.x(0)?.asinh()),
    one("Atan", |c| c.x(0)?.atan()),
    one_since(9, "Atanh", |c| c.x(0)?.atanh()),
    one("AveragePool", pool::average_pool),
    many("BatchNormalization", norm::batch),
    one_since(11, "BitShift", e::shift),
    one_since(18, "BitwiseAnd", |c| e::two(c, |a, b| a.bitwise_and(b))),
    one_since(18, "BitwiseNot", |c| c.x(0)?.bitwise_not()),
    one_since(18, "BitwiseOr", |c| e::two(c, |a, b| a.bitwise_or(b))),
    one_since(18, "BitwiseXor", |c| e::two(c, |a, b| a.bitwise_xor(b))),
    one("Cast", e::cast),
    one_since(15, "CastLike", |c| c.x(0)?.cast(c.x(1)?.dtype())),
    one("Ceil", |c| e::one(c, |x| x.ceil())),
    one_since(12, "Celu", activation::celu),
    one("Clip", e::clip),
    one_since(9, "Compress", index::compress),
    one("Concat", movement::concat),
    since(FIRST, "Constant", Run::Value(shape::constant)),
    one_since(9, "ConstantOfShape", shape::constant_of_shape),
    one("Conv", conv::conv),
    one("ConvTranspose", conv::conv_transpose),
    one("Cos", |c| c.x(0)?.cos()),
    one_since(9, "Cosh", |c| c.x(0)?.cosh()),
    one_since(11, "CumSum", reduce::cumsum),
    one("DepthToSpace", movement::depth_to_space),
    one("Div", |c| e::two(c, e::div)),
    many("Dropout", norm::dropout),
    one_since(12, "Einsum", linear::einsum),
    one("Elu", activation::elu),
    one("Equal", |c| c.x(0)?.eq(c.x(1)?)),
    one_since(9, "Erf", |c| c.x(0)?.erf()),
    one("Exp", |c| c.x(0)?.exp()),
    one_since(8, "Expand", shape::expand),
    one_since(9, "EyeLike", shape::eye_like),
    one("Flatten", movement::flatten),
    one("Floor", |c| e::one(c, |x| x.floor())),
    one("Gather", index::gather),
    one_since(11, "GatherElements", index::gather_elements),
    one_since(11, "GatherND", index::gather_nd),
    one_since(20, "Gelu", activation::gelu),
    one("Gemm", linear::gemm),
    one("GlobalAveragePool", pool::global_average),
    one("GlobalMaxPool", pool::global_max),
    one("Greater", |c| c.x(0)?.gt(c.x(1)?)),
    one_since(12, "GreaterOrEqual", |c| c.x(0)?.ge(c.x(1)?)),
    one_since(18, "GroupNormalization", norm::group),
    one("HardSigmoid", activation::hard_sigmoid),
    one_since(14, "HardSwish", |c| c.x(0)?.hardswish()),
    one("Hardmax", activation::hardmax),
    one("Identity", |c| c.x(0)),
    one("InstanceNormalization", norm::instance),
    one_since(10, "IsInf", e::is_inf),
    one_since(9, "IsNaN", |c| c.x(0)?.isnan()),
    one("LRN", norm::local_response),
    since(17, "LayerNormalization", Run::Many(norm::layer)),
    one("LeakyRelu", activation::leaky_relu),
    one("Less", |c| c.x(0)?.lt(c.x(1)?)),
    one_since(12, "LessOrEqual", |c| c.x(0)?.le(c.x(1)?)),
    one("Log", |c| c.x(0)?.log()),
    one("LogSoftmax", activation::log_softmax),
    one("LpNormalization", norm::lp),
    one("LpPool", pool::lp_pool),
    one("MatMul", linear::matmul),
    one("Max", |c| e::all(c, |a, b| a.maximum(b))),
    many("MaxPool", pool::max_pool),
    one("Mean", e::mean),
    one_since(9, "MeanVarianceNormalization", norm::mean_variance),
    one("Min", |c| e::all(c, |a, b| a.minimum(b))),
    one_since(18, "Mish", |c| c.x(0)?.mish()),
    one_since(10, "Mod", e::modulo),
    one("Mul", |c| e::two(c, |a, b| a.mul(b))),
    one("Neg", |c| c.x(0)?.neg()),
    one_since(9, "NonZero", index::nonzero),
    one("Not", |c| c.x(0)?.logical_not()),
    one_since(9, "OneHot", index::one_hot),
    one("Or", |c| e::bools(c, |a, b| a.bitwise_or(b))),
    one("PRelu", activation::prelu),
    one("Pad", movement::pad),
    one("Pow", |c| e::two(c, e::pow)),
    one_since(11, "Range", shape::range),
    one("Reciprocal", |c| c.x(0)?.reciprocal()),
    one("ReduceL1", reduce::l1),
    one("ReduceL2", reduce::l2),
    one("ReduceLogSum", reduce::log_sum),
    one("ReduceLogSumExp", reduce::log_sum_exp),
    one("ReduceMax", reduce::max),
    one("ReduceMean", reduce::mean),
    one("ReduceMin", reduce::min),
    one("ReduceProd", reduce::prod),
    one("ReduceSum", reduce::sum),
    one("ReduceSumSquare", reduce::sum_square),
    one("Relu", |c| c.x(0)?.relu()),
    one("Reshape", movement::reshape),
    one_since(10, "Resize", resize::resize),
    one_since(11, "Round", |c| c.x(0)?.round()),
    one_since(11, "ScatterElements", index::scatter_elements),
    one_since(11, "ScatterND", index::scatter_nd),
    one("Selu", activation::selu),
    since(FIRST, "Shape", Run::Value(shape::shape)),
    one_since(9, "Shrink", activation::shrink),
    one("Sigmoid", |c| c.x(0)?.sigmoid()),
    one_since(9, "Sign", |c| c.x(0)?.sign()),
    one("Sin", |c| c.x(0)?.sin()),
    one_since(9, "Sinh", |c| c.x(0)?.sinh()),
    since(FIRST, "Size", Run::Value(shape::size)),
    one("Slice", movement::slice),
    one("Softmax", activation::softmax),
    one("Softplus", |c| c.x(0)?.softplus()),
    one("Softsign", |c| c.x(0)?.softsign()),
    one("SpaceToDepth", movement::space_to_depth),
    many("Split", movement::split),
    one("Sqrt", |c| c.x(0)?.sqrt()),
    one("Squeeze", movement::squeeze),
    one("Sub", |c| e::two(c, |a, b| a.sub(b))),
    one("Sum", |c| e::all(c, |a, b| a.add(b))),
    one("Tan", |c| c.x(0)?.tan()),
    one("Tanh", |c| c.x(0)?.tanh()),
    one_since(10, "ThresholdedRelu", activation::thresholded_relu),
    one("Tile", movement::tile),
    many("TopK", reduce::top_k),
    one("Transpose", movement::transpose),
    one_since(14, "Trilu", shape::trilu),
    one("Unsqueeze", movement::unsqueeze),
    Row { name: "Upsample", first: FIRST, last: 9, run: Run::One(resize::resize) },
    one_since(9, "Where", |c| c.x(0)?.where_(c.x(1)?, c.x(2)?)),
    one("Xor", |c| e::bools(c, |a, b| a.bitwise_xor(b))),
];
