//! Named tensors as a safetensors file: <https://huggingface.co/docs/safetensors>.

use crate::{
    error::{Error, Result},
    graph::DType,
    tensor::{Data, Tensor, realize_all},
};
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;

/// The bytes of a safetensors file that holds `tensors`. Computes them first, in one plan.
pub async fn save_safetensors(tensors: &BTreeMap<String, Tensor>) -> Result<Vec<u8>> {
    realize_all(&tensors.values().cloned().collect::<Vec<_>>())?;
    let mut held = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let bytes = match tensor.data().await? {
            Data::Bool(v) => v.into_iter().map(u8::from).collect(),
            Data::U8(v) => v,
            Data::I32(v) => bytemuck::cast_slice(&v).to_vec(),
            Data::U32(v) => bytemuck::cast_slice(&v).to_vec(),
            Data::F32(v) => bytemuck::cast_slice(&v).to_vec(),
        };
        held.push((name, to_file(tensor.dtype()), tensor.shape().to_vec(), bytes));
    }
    let views: Result<Vec<_>, _> = held
        .iter()
        .map(|(name, dtype, shape, bytes)| Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?)))
        .collect();
    views.and_then(|views| safetensors::serialize(views, None)).map_err(|e: SafeTensorError| {
        Error::data("save_safetensors", e.to_string(), "tensors the format can hold", "use shorter names")
    })
}

/// The tensors of a safetensors file. `name` appears in errors.
pub fn load_safetensors(name: &str, bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| {
        let got = format!("{} bytes that are not one ({e})", bytes.len());
        Error::data(name, got, "a whole safetensors file", "fetch or save the file again")
    })?;
    file.tensors()
        .into_iter()
        .map(|(key, view)| {
            let dtype = from_file(view.dtype()).ok_or_else(|| {
                let expected = DType::ALL.map(DType::name).join(", ");
                Error::dtype(name, format!("{key} of {}", view.dtype()), expected, "convert it before saving")
            })?;
            Ok((key, Tensor::from_bytes(view.data(), view.shape(), dtype)?))
        })
        .collect()
}

fn to_file(dtype: DType) -> Dtype {
    match dtype {
        DType::Bool => Dtype::BOOL,
        DType::U8 => Dtype::U8,
        DType::I32 => Dtype::I32,
        DType::U32 => Dtype::U32,
        DType::F32 => Dtype::F32,
    }
}

fn from_file(dtype: Dtype) -> Option<DType> {
    DType::ALL.into_iter().find(|d| to_file(*d) == dtype)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn file() -> Vec<u8> {
        let a: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let views = [
            ("a", TensorView::new(Dtype::F32, vec![2, 1], &a).unwrap()),
            ("b", TensorView::new(Dtype::BOOL, vec![], &[1]).unwrap()),
        ];
        safetensors::serialize(views, None).unwrap()
    }

    #[test]
    fn a_file_gives_shapes_dtypes_and_values() {
        let tensors = load_safetensors("m.safetensors", &file()).unwrap();
        let [a, b] = ["a", "b"].map(|n| &tensors[n]);
        assert_eq!((a.shape().as_slice(), a.dtype()), (&[2, 1][..], DType::F32));
        assert_eq!(a.to_vec::<f32>().unwrap(), [1.5, -2.0]);
        assert_eq!((b.ndim(), b.to_vec::<bool>().unwrap()), (0, vec![true]));
    }

    #[test]
    fn every_truncation_is_a_data_error_that_names_the_file() {
        let whole = file();
        for length in 0..whole.len() {
            let error = load_safetensors("m.safetensors", &whole[..length]).unwrap_err();
            assert_eq!((error.kind, error.op.as_str()), (Kind::Data, "m.safetensors"));
        }
    }

    #[test]
    fn malformed_headers_and_unknown_dtypes_are_errors() {
        let mut huge = file();
        huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(load_safetensors("m", &huge).unwrap_err().kind, Kind::Data);
        assert_eq!(load_safetensors("m", b"\x08\0\0\0\0\0\0\0not json").unwrap_err().kind, Kind::Data);
        let half = TensorView::new(Dtype::F16, vec![1], &[0, 0]).unwrap();
        let half = safetensors::serialize([("w", half)], None).unwrap();
        let error = load_safetensors("m", &half).unwrap_err();
        assert!(error.kind == Kind::DType && error.got.contains("w of F16"), "{error}");
    }
}
