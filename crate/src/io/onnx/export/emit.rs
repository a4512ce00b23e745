//! The ONNX graph while it grows. A value may be smaller than its node where broadcasting makes up for it: constants
//! are scalars, and what is expanded stays as it was until an operator needs all of it.

use super::{
    super::proto::{AttributeProto, NodeProto, TensorProto, attribute},
    code,
};
use crate::graph::{DType, Node};
use rustc_hash::FxHashMap;

#[derive(Clone, Debug)]
pub struct Value {
    pub name: String,
    pub shape: Vec<usize>,
    /// What this is a reshape of.
    from: Option<(String, Vec<usize>)>,
}

#[derive(Default)]
pub struct Emit {
    pub nodes: Vec<NodeProto>,
    pub constants: Vec<TensorProto>,
    values: FxHashMap<u64, Value>,
    /// Constants by dtype, shape and bytes.
    known: FxHashMap<(i32, Vec<i64>, Vec<u8>), String>,
}

/// Axis, start, end and step of a slice.
pub type Cut = (usize, i64, i64, i64);

pub fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i: Some(i), r#type: attribute::INT, ..AttributeProto::default() }
}

pub fn ints(name: &str, list: impl IntoIterator<Item = usize>) -> AttributeProto {
    let ints = list.into_iter().map(|n| n as i64).collect();
    AttributeProto { name: name.into(), ints, r#type: attribute::INTS, ..AttributeProto::default() }
}

pub fn text(name: &str, s: &str) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        s: Some(s.into()),
        r#type: attribute::STRING,
        ..AttributeProto::default()
    }
}

impl Emit {
    pub fn leaf(&mut self, name: &str, node: &Node) {
        self.set(node, Value { name: name.into(), shape: node.shape.to_vec(), from: None });
    }

    pub fn set(&mut self, node: &Node, value: Value) {
        self.values.insert(node.id, value);
    }

    pub fn has(&self, node: &Node) -> bool {
        self.values.contains_key(&node.id)
    }

    /// The node's value, perhaps smaller than the node.
    pub fn get(&mut self, node: &Node) -> Value {
        if let (None, Some(value)) = (self.values.get(&node.id), node.as_const()) {
            let made = self.scalar(value, node.dtype);
            self.set(node, made);
        }
        self.values[&node.id].clone()
    }

    /// The node's value in the node's shape.
    pub fn full(&mut self, node: &Node) -> Value {
        let value = self.get(node);
        if value.shape[..] == node.shape[..] {
            return value;
        }
        let to = self.sizes(&node.shape);
        let value = self.op("Expand", &[&value, &to], vec![], &node.shape);
        self.set(node, value.clone());
        value
    }

    pub fn op(
        &mut self,
        op: &str,
        inputs: &[&Value],
        attribute: Vec<AttributeProto>,
        shape: &[usize],
    ) -> Value {
        let name = format!("/v{}", self.nodes.len());
        self.node(op, inputs.iter().map(|v| v.name.clone()).collect(), attribute, name.clone());
        Value { name, shape: shape.to_vec(), from: None }
    }

    fn node(&mut self, op: &str, input: Vec<String>, attribute: Vec<AttributeProto>, output: String) {
        let name = format!("{op}_{}", self.nodes.len());
        let domain = String::new();
        let op_type = op.to_string();
        self.nodes.push(NodeProto { input, output: vec![output], name, op_type, attribute, domain });
    }

    /// An output of the model.
    pub fn identity(&mut self, value: &Value, name: &str) {
        self.node("Identity", vec![value.name.clone()], vec![], name.into());
    }

    pub fn constant(&mut self, dtype: DType, shape: &[usize], bytes: Vec<u8>) -> Value {
        let dims: Vec<i64> = shape.iter().map(|n| *n as i64).collect();
        let key = (code(dtype), dims, bytes);
        let name = match self.known.get(&key) {
            Some(name) => name.clone(),
            None => {
                let name = format!("/c{}", self.constants.len());
                let (data_type, dims, raw) = key.clone();
                let raw_data = Some(raw.into());
                let tensor =
                    TensorProto { dims, data_type, raw_data, name: name.clone(), ..TensorProto::default() };
                self.constants.push(tensor);
                self.known.insert(key, name.clone());
                name
            }
        };
        Value { name, shape: shape.to_vec(), from: None }
    }

    pub fn scalar(&mut self, value: f64, dtype: DType) -> Value {
        self.constant(dtype, &[], dtype.bytes_of(value)[..dtype.size()].to_vec())
    }

    /// A list of int64.
    pub fn sizes(&mut self, list: &[usize]) -> Value {
        self.integers(&[list.len()], list.iter().map(|n| *n as i64))
    }

    pub fn integers(&mut self, shape: &[usize], list: impl IntoIterator<Item = i64>) -> Value {
        self.constant(DType::I64, shape, list.into_iter().flat_map(i64::to_le_bytes).collect())
    }

    pub fn cast(&mut self, x: &Value, to: DType) -> Value {
        self.op("Cast", &[x], vec![int("to", code(to).into())], &x.shape)
    }

    /// A reshape of a reshape is one; to the shape it has, none.
    pub fn reshape(&mut self, x: &Value, shape: &[usize]) -> Value {
        let (name, from) = x.from.clone().unwrap_or_else(|| (x.name.clone(), x.shape.clone()));
        let origin = Value { name: name.clone(), shape: from.clone(), from: None };
        if from == shape {
            return origin;
        }
        if x.shape == shape {
            return x.clone();
        }
        let to = self.sizes(shape);
        Value { from: Some((name, from)), ..self.op("Reshape", &[&origin, &to], vec![], shape) }
    }

    pub fn transpose(&mut self, x: &Value, axes: &[usize]) -> Value {
        if axes.is_sorted() {
            return x.clone();
        }
        let shape: Vec<usize> = axes.iter().map(|a| x.shape[*a]).collect();
        self.op("Transpose", &[x], vec![ints("perm", axes.iter().copied())], &shape)
    }

    pub fn binary(&mut self, op: &str, a: &Value, b: &Value) -> Value {
        let shape = broadcast(&a.shape, &b.shape);
        self.op(op, &[a, b], vec![], &shape)
    }

    /// `[start, end)` with a step along some axes.
    pub fn slice(&mut self, x: &Value, parts: &[Cut], shape: &[usize]) -> Value {
        let mut column = |f: &dyn Fn(&Cut) -> i64| {
            let list: Vec<i64> = parts.iter().map(f).collect();
            self.integers(&[list.len()], list)
        };
        let (axes, starts) = (column(&|p| p.0 as i64), column(&|p| p.1));
        let (ends, steps) = (column(&|p| p.2), column(&|p| p.3));
        self.op("Slice", &[x, &starts, &ends, &axes, &steps], vec![], shape)
    }

    pub fn pad(&mut self, x: &Value, pairs: &[(usize, usize)], fill: f64, dtype: DType) -> Value {
        let shape: Vec<usize> = x.shape.iter().zip(pairs).map(|(n, (l, r))| n + l + r).collect();
        let sides: Vec<usize> = pairs.iter().map(|p| p.0).chain(pairs.iter().map(|p| p.1)).collect();
        let (sides, fill) = (self.sizes(&sides), self.scalar(fill, dtype));
        self.op("Pad", &[x, &sides, &fill], vec![text("mode", "constant")], &shape)
    }
}

/// The shape two values have together; one of them may be a scalar.
pub fn broadcast(a: &[usize], b: &[usize]) -> Vec<usize> {
    match (a, b) {
        ([], other) | (other, []) => other.to_vec(),
        _ => a.iter().zip(b).map(|(a, b)| if *a == 1 { *b } else { *a }).collect(),
    }
}
