//! ONNX models written by the messages the reader reads.

use playgrad::io::onnx::proto::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetId, TensorProto, TensorShape,
    TensorType, TypeProto, ValueInfo, attribute,
};
use prost::Message;

pub const F32: i32 = 1;
pub const I64: i32 = 7;

/// `sizes`: numbers, names, or "?".
pub fn port(name: &str, elem_type: i32, sizes: &[&str]) -> ValueInfo {
    let dim = |s: &&str| Dimension {
        dim_value: s.parse().ok(),
        dim_param: (s.parse::<i64>().is_err() && *s != "?").then(|| s.to_string()),
    };
    let shape = Some(TensorShape { dim: sizes.iter().map(dim).collect() });
    let tensor_type = Some(TensorType { elem_type, shape });
    ValueInfo { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

pub fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: F32,
        float_data: values.to_vec(),
        ..TensorProto::default()
    }
}

pub fn ints(name: &str, values: &[i64]) -> TensorProto {
    let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    TensorProto {
        name: name.into(),
        dims: vec![values.len() as i64],
        data_type: I64,
        raw_data: Some(raw.into()),
        ..TensorProto::default()
    }
}

/// A node named after its first output; inputs and outputs are words.
pub fn node(op: &str, inputs: &str, outputs: &str, attributes: &[AttributeProto]) -> NodeProto {
    let words = |s: &str| s.split_whitespace().map(|w| if w == "-" { "" } else { w }.to_string()).collect();
    let output: Vec<String> = words(outputs);
    NodeProto {
        name: format!("{}_node", output.first().map_or("", String::as_str)),
        op_type: op.into(),
        input: words(inputs),
        output,
        attribute: attributes.to_vec(),
        ..NodeProto::default()
    }
}

pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i: Some(value), r#type: attribute::INT, ..AttributeProto::default() }
}

pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        f: Some(value),
        r#type: attribute::FLOAT,
        ..AttributeProto::default()
    }
}

pub fn list(name: &str, values: &[i64]) -> AttributeProto {
    let ints = values.to_vec();
    AttributeProto { name: name.into(), ints, r#type: attribute::INTS, ..AttributeProto::default() }
}

pub fn tensor(name: &str, value: TensorProto) -> AttributeProto {
    let t = Some(Box::new(value));
    AttributeProto { name: name.into(), t, r#type: attribute::TENSOR, ..AttributeProto::default() }
}

pub fn model(
    opset: i64,
    input: Vec<ValueInfo>,
    output: Vec<ValueInfo>,
    initializer: Vec<TensorProto>,
    node: Vec<NodeProto>,
) -> ModelProto {
    let graph = GraphProto { name: "test".into(), input, output, initializer, node, ..GraphProto::default() };
    ModelProto {
        ir_version: 8,
        graph: Some(Box::new(graph)),
        opset_import: vec![OperatorSetId { domain: String::new(), version: opset }],
        ..ModelProto::default()
    }
}

pub fn bytes(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}
