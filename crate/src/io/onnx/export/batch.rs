//! One file for any batch size: what two files, made for different sizes, have in common.

use super::super::proto::{Dimension, GraphProto, TensorProto, ValueInfo};
use prost::bytes::Bytes;

/// Makes `a` fit any size of the first axis, as told by `b`, the same model for another one: sizes that differ are
/// named or left to `Reshape`. `None` where anything else differs.
pub fn unify(a: &mut GraphProto, b: &GraphProto) -> Option<()> {
    if a.node.len() != b.node.len() {
        return None;
    }
    let mut open = Vec::new();
    let (first, second) = (&a.initializer, &b.initializer);
    for (i, (x, y)) in a.node.iter().zip(&b.node).enumerate() {
        if x.op_type != y.op_type || x.attribute != y.attribute || x.input.len() != y.input.len() {
            return None;
        }
        for (at, (x_in, y_in)) in x.input.iter().zip(&y.input).enumerate() {
            match (constant(first, x_in), constant(second, y_in)) {
                (None, None) if x_in == y_in => {}
                (Some(p), Some(q)) if p.raw_data == q.raw_data && p.dims == q.dims => {}
                (Some(p), Some(q)) if x.op_type == "Reshape" && at == 1 => open.push((i, freed(p, q)?)),
                _ => return None,
            }
        }
    }
    for (i, raw) in open {
        let name = format!("/shape{i}");
        let dims = vec![raw.len() as i64 / 8];
        let raw_data = Some(Bytes::from(raw));
        a.node[i].input[1] = name.clone();
        a.initializer.push(TensorProto { name, dims, data_type: 7, raw_data, ..TensorProto::default() });
    }
    let ports = a.input.iter_mut().chain(&mut a.output).zip(b.input.iter().chain(&b.output));
    ports.for_each(|(x, y)| named(x, y));
    Some(())
}

fn constant<'a>(all: &'a [TensorProto], name: &str) -> Option<&'a TensorProto> {
    all.iter().find(|t| t.name == name)
}

/// The sizes with -1 for the only one that differs.
fn freed(a: &TensorProto, b: &TensorProto) -> Option<Vec<u8>> {
    let sizes = |t: &TensorProto| {
        t.raw_data.as_ref().map(|raw| raw.chunks(8).map(<[u8]>::to_vec).collect::<Vec<_>>())
    };
    let (mut own, other) = (sizes(a)?, sizes(b)?);
    let differ: Vec<usize> = (0..own.len()).filter(|i| other.get(*i) != Some(&own[*i])).collect();
    let [one] = differ[..] else { return None };
    if own.len() != other.len() {
        return None;
    }
    own[one] = (-1i64).to_le_bytes().to_vec();
    Some(own.concat())
}

fn named(a: &mut ValueInfo, b: &ValueInfo) {
    let shape = |info: &ValueInfo| info.r#type.clone()?.tensor_type?.shape;
    let Some(other) = shape(b) else { return };
    let own = a.r#type.as_mut().and_then(|t| t.tensor_type.as_mut()).and_then(|t| t.shape.as_mut());
    for (x, y) in own.into_iter().flat_map(|s| &mut s.dim).zip(&other.dim) {
        if x != y {
            *x = Dimension { dim_value: None, dim_param: Some("batch".into()) };
        }
    }
}
