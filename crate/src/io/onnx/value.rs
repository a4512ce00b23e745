//! What flows between operators: tensors, and small values that are known while the graph is built.

use super::proto::{self, TensorProto};
use crate::{
    error::{Error, Result},
    graph::{DType, evaluate},
    runtime,
    tensor::{Data, Element, Tensor, block_on},
};
use std::{cell::OnceCell, rc::Rc};

/// Constants of more elements are weights or tables, which no shape is made of.
const MOST_KNOWN: usize = 4096;

#[derive(Clone, Debug)]
pub(super) enum Value {
    Tensor(Tensor),
    /// Shapes, axes and what is computed of them: folded on the host.
    Known(Rc<Known>),
}

#[derive(Debug)]
pub(super) struct Known {
    pub shape: Vec<usize>,
    pub data: Data,
    tensor: OnceCell<Tensor>,
}

/// The dtype of ONNX's number for it.
pub(super) fn dtype(code: i32) -> Option<DType> {
    Some(match code {
        1 => DType::F32,
        2 => DType::U8,
        3 => DType::I8,
        6 => DType::I32,
        7 => DType::I64,
        9 => DType::Bool,
        10 => DType::F16,
        11 => DType::F64,
        12 => DType::U32,
        16 => DType::BF16,
        _ => return None,
    })
}

/// The name of a dtype we have not, for errors.
pub(super) fn dtype_name(code: i32) -> String {
    let names =
        ["undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool"];
    let more = ["float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"];
    let name = usize::try_from(code).ok().and_then(|i| names.iter().chain(&more).nth(i));
    name.map_or_else(|| format!("ONNX's dtype {code}"), |name| (*name).to_string())
}

pub(super) fn known_dtype(op: &str, code: i32) -> Result<DType> {
    dtype(code).ok_or_else(|| {
        let ours = DType::ALL.map(DType::name).join(", ");
        Error::dtype(op, dtype_name(code), ours, "export the model with one of these dtypes")
    })
}

/// The dtype that stands for `dtype` where the device has no 64-bit lanes.
pub(super) fn held(dtype: DType) -> DType {
    let holds = |d| runtime::choose(u64::MAX).is_ok_and(|device| device.holds(d));
    match dtype {
        DType::I64 if !holds(DType::I64) => DType::I32,
        DType::F64 if !holds(DType::F64) => DType::F32,
        _ => dtype,
    }
}

impl Value {
    pub fn known(shape: &[usize], data: Data) -> Value {
        Value::Known(Rc::new(Known { shape: shape.to_vec(), data, tensor: OnceCell::new() }))
    }

    pub fn ints(shape: &[usize], values: Vec<i64>) -> Value {
        Value::known(shape, Data::I64(values))
    }

    /// A constant of a graph: known where it is small.
    pub fn constant(shape: &[usize], data: Data) -> Result<Value> {
        if data.len() <= MOST_KNOWN {
            return Ok(Value::known(shape, data));
        }
        let tensor = leaf(shape, &data)?;
        tensor.set_requires_grad(false)?;
        Ok(Value::Tensor(tensor))
    }

    pub fn tensor(&self) -> Result<Tensor> {
        match self {
            Value::Tensor(tensor) => Ok(tensor.clone()),
            Value::Known(known) => known.tensor(),
        }
    }

    /// A tensor whose values [`fold`] finds on the host.
    pub fn host(&self) -> Result<Tensor> {
        match self {
            Value::Tensor(tensor) => Ok(tensor.clone()),
            Value::Known(known) => leaf(&known.shape, &known.data),
        }
    }

    /// The values, read back where they are not known.
    pub fn data(&self) -> Result<Data> {
        match self {
            Value::Tensor(tensor) => block_on(tensor.data()),
            Value::Known(known) => Ok(known.data.clone()),
        }
    }
}

impl Known {
    /// One value is a constant that kernels hold; more are data that stays on the device from run to run.
    fn tensor(&self) -> Result<Tensor> {
        if let Some(tensor) = self.tensor.get() {
            return Ok(tensor.clone());
        }
        let tensor = match &self.data {
            Data::I64(v) if v.len() == 1 && v[0].unsigned_abs() > 1 << 53 => leaf(&self.shape, &self.data)?,
            data if data.len() == 1 => Tensor::full(&self.shape, data.get(0), held(data.dtype()))?,
            data => leaf(&self.shape, data)?,
        };
        tensor.set_requires_grad(false)?;
        Ok(self.tensor.get_or_init(|| tensor).clone())
    }
}

/// New data, in a dtype the device holds.
pub(super) fn leaf(shape: &[usize], data: &Data) -> Result<Tensor> {
    match (data, held(data.dtype())) {
        (Data::I64(v), DType::I32) => {
            let clamped = |x: &i64| (*x).clamp(i32::MIN.into(), i32::MAX.into()) as i32;
            Tensor::from_slice(&v.iter().map(clamped).collect::<Vec<_>>(), shape)
        }
        (Data::F64(v), DType::F32) => {
            Tensor::from_slice(&v.iter().map(|x| *x as f32).collect::<Vec<_>>(), shape)
        }
        (data, dtype) => Tensor::from_bytes(data.to_bytes(), shape, dtype),
    }
}

/// A tensor from outside, in a dtype the device holds: read back and written again where that is another one.
pub(super) fn narrowed(tensor: &Tensor) -> Result<Tensor> {
    if held(tensor.dtype()) == tensor.dtype() {
        return Ok(tensor.clone());
    }
    leaf(&tensor.shape(), &block_on(tensor.data())?)
}

/// The value of a tensor computed from [`Value::host`]s alone, where it is small.
pub(super) fn fold(tensor: &Tensor) -> Option<Value> {
    let dtype = tensor.dtype();
    let values = if tensor.numel() <= MOST_KNOWN { evaluate(&tensor.node())? } else { return None };
    let bytes: Vec<u8> =
        values.iter().flat_map(|x| dtype.bytes_of(*x).into_iter().take(dtype.size())).collect();
    Some(Value::known(&tensor.shape(), Data::from_bytes(&bytes, dtype)))
}

/// Shape and values of a stored tensor.
///
/// # Errors
/// `Data` where values are missing, in another file, or not as many as the shape says; `DType` for dtypes we lack.
pub(super) fn stored(what: &str, t: &TensorProto) -> Result<(Vec<usize>, Data)> {
    let op = format!("onnx {what} \"{}\"", t.name);
    if t.data_location == proto::EXTERNAL {
        let fix = "open it with Model::open(path), or save the model with its weights inside";
        return Err(Error::data(&op, "values in another file", "values in this file", fix));
    }
    let dtype = known_dtype(&op, t.data_type)?;
    let damaged =
        |got: String, expected: String| Error::data(&op, got, expected, "export or fetch the model again");
    let sizes: Option<Vec<usize>> = t.dims.iter().map(|d| usize::try_from(*d).ok()).collect();
    let bytes = |shape: &Vec<usize>| shape.iter().try_fold(dtype.size(), |n, d| n.checked_mul(*d));
    let Some((shape, bytes)) = sizes.and_then(|s| bytes(&s).map(|n| (s, n))) else {
        return Err(damaged(format!("shape {:?}", t.dims), "sizes this machine can address".into()));
    };
    let data = match &t.raw_data {
        Some(raw) if raw.len() == bytes => Data::from_bytes(raw, dtype),
        Some(raw) => {
            let expected = format!("{bytes} bytes for shape {shape:?} {dtype}");
            return Err(damaged(format!("{} bytes", raw.len()), expected));
        }
        None => listed(t, dtype),
    };
    let count = bytes / dtype.size();
    if data.len() != count {
        return Err(damaged(format!("{} values", data.len()), format!("{count} for shape {shape:?}")));
    }
    Ok((shape, data))
}

/// The values of the typed lists; small dtypes share `int32_data`, 16-bit floats by their bits.
fn listed(t: &TensorProto, dtype: DType) -> Data {
    let bits = || t.int32_data.iter().flat_map(|x| (*x as u16).to_le_bytes()).collect::<Vec<u8>>();
    match dtype {
        DType::F32 => Data::F32(t.float_data.clone()),
        DType::F64 => Data::F64(t.double_data.clone()),
        DType::I64 => Data::I64(t.int64_data.clone()),
        DType::U32 => Data::U32(t.uint64_data.iter().map(|x| *x as u32).collect()),
        DType::I32 => Data::I32(t.int32_data.clone()),
        DType::I8 => Data::I8(t.int32_data.iter().map(|x| *x as i8).collect()),
        DType::U8 => Data::U8(t.int32_data.iter().map(|x| *x as u8).collect()),
        DType::Bool => Data::Bool(t.int32_data.iter().map(|x| *x != 0).collect()),
        DType::F16 | DType::BF16 => Data::from_bytes(&bits(), dtype),
    }
}

/// The integers of `data`, whatever their dtype.
pub(super) fn integers(data: &Data) -> Option<Vec<i64>> {
    match data {
        Data::I64(v) => Some(v.clone()),
        data if data.dtype().is_float() => None,
        data => Some((0..data.len()).map(|i| data.get(i) as i64).collect()),
    }
}

pub(super) fn scalar<T: Element>(value: T) -> Data {
    Data::from_bytes(&T::to_bytes(&[value]), T::DTYPE)
}
