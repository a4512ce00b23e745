//! A graph of primitives as an ONNX file, opset 18. Products that are summed become `Conv` or `MatMul` (`contract`),
//! every other primitive the operators that compute it (`primitive`).

mod batch;
mod contract;
mod emit;
mod primitive;

use super::{
    proto::{
        self, Dimension, GraphProto, ModelProto, OperatorSetId, TensorProto, TensorShape, TensorType,
        TypeProto, ValueInfo,
    },
    trace::Stored,
    value,
};
use crate::{
    error::{Error, Result},
    graph::{DType, Node, Op, topo},
    nn::StateDict,
    tensor::{Tensor, block_on},
};
use emit::Emit;
use prost::Message;
use rustc_hash::{FxHashMap, FxHashSet};

/// The operators and their attributes are those of this opset.
const OPSET: i64 = 18;
const IR_VERSION: i64 = 8;
const OP: &str = "onnx.save";

/// A leaf of the graph that is stored in the file.
pub struct Weight {
    pub name: String,
    pub node: Node,
    pub value: Stored,
}

/// Inputs, which are leaves, and outputs by name.
pub struct Ports {
    pub inputs: Vec<(String, Node)>,
    pub outputs: Vec<(String, Node)>,
}

/// The bytes of a model that computes outputs from inputs of these shapes; with `other`, the same model for another
/// size of the first axis, of any size there.
///
/// # Errors
/// `Argument` for a name that is used twice, for a leaf that is neither input nor weight, for a primitive that
/// ONNX has no operator for, and where the first axis is more to the model than a number of examples.
pub fn export(ports: &Ports, other: Option<&Ports>, weights: Vec<Weight>) -> Result<Vec<u8>> {
    let mut graph = composed(ports, &weights)?;
    if let Some(other) = other {
        let again = composed(other, &weights)?;
        batch::unify(&mut graph, &again).ok_or_else(|| {
            let got = "a model that does something else for another number of examples";
            Error::argument(OP, got, "one that any number fits", "leave batch out")
        })?;
    }
    let read: FxHashSet<String> = graph.node.iter().flat_map(|n| n.input.iter().cloned()).collect();
    let used: Vec<bool> = weights.iter().map(|w| read.contains(&w.name)).collect();
    graph.initializer.retain(|t| read.contains(&t.name));
    for (Weight { name, value, .. }, _) in weights.into_iter().zip(used).filter(|(_, used)| *used) {
        graph.initializer.push(stored(name, value));
    }
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "playgrad".into(),
        graph: Some(Box::new(graph)),
        opset_import: vec![OperatorSetId { domain: String::new(), version: OPSET }],
    };
    Ok(model.encode_to_vec())
}

/// The graph, without the values of its weights.
fn composed(Ports { inputs, outputs }: &Ports, weights: &[Weight]) -> Result<GraphProto> {
    let mut names: Vec<&str> = inputs.iter().chain(outputs).map(|(name, _)| name.as_str()).collect();
    names.extend(weights.iter().map(|w| w.name.as_str()));
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|two| two[0] == two[1] || two[0].is_empty()) {
        let got = format!("the name \"{}\" twice", twice[0]);
        return Err(Error::argument(OP, got, "a name of its own for each", "rename one"));
    }
    let mut emit = Emit::default();
    inputs.iter().for_each(|(name, node)| emit.leaf(name, node));
    weights.iter().for_each(|w| emit.leaf(&w.name, &w.node));
    let roots: Vec<Node> = outputs.iter().map(|(_, node)| node.clone()).collect();
    let order = topo(&roots);
    let whole = contract::all(&order);
    let needed = needed(&roots, &order, &whole);
    for node in order.iter().filter(|n| needed.contains(&n.id)) {
        if emit.has(node) {
            continue;
        }
        if matches!(node.op, Op::Buffer(_)) {
            let got = format!("a tensor of shape {:?} that has no name", node.shape.as_slice());
            return Err(Error::argument(OP, got, "inputs and weights", "name every leaf"));
        }
        let value = match whole.get(&node.id) {
            Some(found) => found.emit(&mut emit)?,
            None => primitive::emit(&mut emit, node)?,
        };
        emit.set(node, value);
    }
    for (name, node) in outputs {
        let value = emit.full(node);
        emit.identity(&value, name);
    }
    Ok(GraphProto {
        node: emit.nodes,
        name: "playgrad".into(),
        initializer: emit.constants,
        input: inputs.iter().map(|(name, n)| info(name, n)).collect(),
        output: outputs.iter().map(|(name, n)| info(name, n)).collect(),
        ..GraphProto::default()
    })
}

/// A model as an ONNX file that computes `outputs` from `inputs`, which are data (no constants, nothing computed) of the
/// shapes the file fixes. Weights keep their names; whatever else was read is stored as `constant_0`, `constant_1`, ….
///
/// # Errors
/// As [`export`].
pub fn save_onnx(
    inputs: &[(&str, &Tensor)],
    outputs: &[(&str, &Tensor)],
    weights: &StateDict,
) -> Result<Vec<u8>> {
    let named = |list: &[(&str, &Tensor)]| -> Vec<(String, Node)> {
        list.iter().map(|(name, t)| (name.to_string(), t.node())).collect()
    };
    let ports = Ports { inputs: named(inputs), outputs: named(outputs) };
    let mut names: FxHashMap<u64, String> = FxHashMap::default();
    weights.iter().for_each(|(name, t)| {
        names.entry(t.node().id).or_insert_with(|| name.clone());
    });
    let roots: Vec<Node> = ports.outputs.iter().map(|(_, node)| node.clone()).collect();
    let leaf =
        |n: &&Node| (n.is_realized() || n.as_leaf().is_some()) && ports.inputs.iter().all(|(_, i)| i != *n);
    let mut found = Vec::new();
    for (i, node) in topo(&roots).iter().filter(leaf).enumerate() {
        let name = names.get(&node.id).cloned().unwrap_or_else(|| format!("constant_{i}"));
        let bytes = block_on(Tensor::from_node(node.clone()).data())?.to_bytes().to_vec();
        let value = Stored { dtype: node.dtype, shape: node.shape.to_vec(), bytes };
        found.push(Weight { name, node: node.clone(), value });
    }
    export(&ports, None, found)
}

/// The nodes that are computed where contractions skip what lies between them and their factors.
fn needed(roots: &[Node], order: &[Node], whole: &contract::Found) -> FxHashSet<u64> {
    let mut needed: FxHashSet<u64> = roots.iter().map(|n| n.id).collect();
    for node in order.iter().rev().filter(|n| !n.is_realized()) {
        if needed.contains(&node.id) {
            match whole.get(&node.id) {
                Some(found) => needed.extend(found.sources().map(|n| n.id)),
                None => needed.extend(primitive::sources(node).map(|n| n.id)),
            }
        }
    }
    needed
}

fn stored(name: String, value: Stored) -> TensorProto {
    TensorProto {
        dims: value.shape.iter().map(|n| *n as i64).collect(),
        data_type: code(value.dtype),
        name,
        raw_data: Some(value.bytes.into()),
        ..TensorProto::default()
    }
}

fn info(name: &str, node: &Node) -> ValueInfo {
    let size = |n: &usize| Dimension { dim_value: Some(*n as i64), dim_param: None };
    let shape = TensorShape { dim: node.shape.iter().map(size).collect() };
    let tensor = TensorType { elem_type: code(node.dtype), shape: Some(shape) };
    let kind = proto::TypeProto { tensor_type: Some(tensor) };
    ValueInfo { name: name.into(), r#type: Some::<TypeProto>(kind) }
}

/// ONNX's number of a dtype.
fn code(dtype: DType) -> i32 {
    (1..=16).find(|code| value::dtype(*code) == Some(dtype)).unwrap_or(0)
}
