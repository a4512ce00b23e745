//! Bytes to a checked graph: every value named once and made before it is used, every operator known.

use super::{
    Model, Port, Size,
    call::{Attribute, Node},
    proto::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfo, attribute},
    table,
    value::{Value, known_dtype, leaf, stored},
};
use crate::{
    error::{Error, Result},
    nn::StateDict,
};
use prost::{Message, bytes::Bytes};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

const OP: &str = "onnx";
const AGAIN: &str = "export or fetch the model again";

fn damaged(got: impl Into<String>, expected: impl Into<String>) -> Error {
    Error::data(OP, got, expected, AGAIN)
}

impl Model {
    /// Reads a model. Its float initialisers with axes become tensors that require gradients (statistics of batch
    /// normalization excepted), scalars and integers become constants.
    ///
    /// # Errors
    /// `Data` for a damaged file, or an opset we do not read; `Argument` naming every operator that is not
    /// supported with its nodes; `DType` for dtypes we lack.
    pub fn load(bytes: &[u8]) -> Result<Model> {
        Model::of(&decode(bytes)?)
    }

    /// [`Model::load`] from a decoded message.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn of(model: &ModelProto) -> Result<Model> {
        let graph = model.graph.as_deref().ok_or_else(|| damaged("no graph", "a model with a graph"))?;
        let opset = opset(model)?;
        refuse_unknown(graph, opset)?;
        if !graph.sparse_initializer.is_empty() {
            return Err(damaged("sparse initialisers", "dense ones"));
        }
        let mut names = Names::default();
        let (mut parameters, mut values) = (StateDict::new(), Vec::new());
        let roles = roles(graph);
        for t in &graph.initializer {
            let value = initialiser(t, roles.get(t.name.as_str()).copied())?;
            values.push((t.name.clone(), names.define(&t.name)?, value.clone()));
            if let Value::Tensor(tensor) = &value
                && tensor.dtype().is_float()
            {
                parameters.insert(t.name.clone(), tensor.clone());
            }
        }
        let (mut inputs, mut input_at) = (Vec::new(), Vec::new());
        // Up to IR version 3, initialisers are inputs too.
        for info in &graph.input {
            if names.known(&info.name) {
                continue;
            }
            inputs.push(port("input", info)?);
            input_at.push(names.define(&info.name)?);
        }
        let nodes = nodes(graph, &mut names)?;
        let outputs = graph.output.iter().map(|info| port("output", info)).collect::<Result<_>>()?;
        let output_at = graph.output.iter().map(|info| names.find(&info.name)).collect::<Result<_>>()?;
        let count = names.0.len();
        Ok(Model { inputs, outputs, opset, parameters, nodes, values, input_at, output_at, count })
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<ModelProto> {
    ModelProto::decode(Bytes::copy_from_slice(bytes))
        .map_err(|e| damaged(format!("{} bytes that are no ONNX model ({e})", bytes.len()), "an ONNX file"))
}

/// Numbers of values by name.
#[derive(Default)]
struct Names(FxHashMap<String, usize>);

impl Names {
    fn known(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn define(&mut self, name: &str) -> Result<usize> {
        let next = self.0.len();
        match self.0.insert(name.to_string(), next) {
            None if !name.is_empty() => Ok(next),
            _ => Err(damaged(
                format!("the value \"{name}\" twice or without a name"),
                "a name of its own for each",
            )),
        }
    }

    fn find(&self, name: &str) -> Result<usize> {
        let missing =
            || damaged(format!("\"{name}\", which nothing gives"), "an input, initialiser or result");
        self.0.get(name).copied().ok_or_else(missing)
    }
}

fn opset(model: &ModelProto) -> Result<i64> {
    let ours = |domain: &str| domain.is_empty() || domain == "ai.onnx";
    let version = model.opset_import.iter().find(|id| ours(&id.domain)).map_or(1, |id| id.version);
    if (table::FIRST..=table::LAST).contains(&version) {
        return Ok(version);
    }
    Err(Error::data(
        OP,
        format!("opset {version}"),
        format!("opset {} to {}", table::FIRST, table::LAST),
        format!("export with opset_version={}, or convert it with onnx.version_converter", table::LAST),
    ))
}

/// A node's name, that of its first result where it has none.
fn label(n: &NodeProto) -> &str {
    if n.name.is_empty() { n.output.first().map_or("", String::as_str) } else { &n.name }
}

/// One error for everything that keeps the model from running.
fn refuse_unknown(graph: &GraphProto, opset: i64) -> Result<()> {
    let mut unknown: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for node in &graph.node {
        let standard = node.domain.is_empty() || node.domain == "ai.onnx";
        if !standard || table::row(&node.op_type, opset).is_none() {
            let domain = if standard { String::new() } else { format!("{}::", node.domain) };
            unknown.entry(format!("{domain}{}", node.op_type)).or_default().push(label(node));
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let named = |(op, nodes): (&String, &Vec<&str>)| {
        let shown: Vec<String> = nodes.iter().take(3).map(|n| format!("\"{n}\"")).collect();
        let more = if nodes.len() > shown.len() {
            format!(" and {} more", nodes.len() - shown.len())
        } else {
            String::new()
        };
        format!("{op} ({}{more})", shown.join(", "))
    };
    let list: Vec<String> = unknown.iter().map(named).collect();
    Err(Error::argument(
        OP,
        format!(
            "{} unsupported: {}",
            if list.len() == 1 { "an operator" } else { "operators" },
            list.join("; ")
        ),
        format!("operators of opset {opset} among the {} supported", table::ROWS.len()),
        "export the model without them, or cut the graph before them",
    ))
}

/// What initialisers are for, where they are no weights.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// Means and variances of batch normalization: a training step must not move them.
    Statistic,
    /// Numbers an operator reads while the graph is built.
    Setting,
}

fn roles(graph: &GraphProto) -> FxHashMap<&str, Role> {
    let role = |node: &NodeProto, i: usize| match node.op_type.as_str() {
        "BatchNormalization" if i >= 3 => Some(Role::Statistic),
        "Resize" | "Upsample" | "Pad" | "Dropout" | "OneHot" if i >= 1 => Some(Role::Setting),
        "Range" => Some(Role::Setting),
        _ => None,
    };
    let uses = graph.node.iter().flat_map(|n| n.input.iter().enumerate().map(move |(i, name)| (n, i, name)));
    uses.filter_map(|(n, i, name)| Some((name.as_str(), role(n, i)?))).collect()
}

/// Floats with axes are weights: no layer's weight is a scalar, while exponents and bounds are.
fn initialiser(t: &TensorProto, role: Option<Role>) -> Result<Value> {
    let (shape, data) = stored("initialiser", t)?;
    if !data.dtype().is_float() || shape.is_empty() || role == Some(Role::Setting) {
        return Value::constant(&shape, data);
    }
    let tensor = leaf(&shape, &data)?;
    tensor.set_requires_grad(role.is_none())?;
    Ok(Value::Tensor(tensor))
}

fn port(what: &str, info: &ValueInfo) -> Result<Port> {
    let op = format!("onnx {what} \"{}\"", info.name);
    let Some(tensor) = info.r#type.as_ref().and_then(|t| t.tensor_type.as_ref()) else {
        return Err(Error::dtype(&op, "a sequence, a map or an unknown type", "a tensor", AGAIN));
    };
    let size = |d: &super::proto::Dimension| match (&d.dim_value, &d.dim_param) {
        (Some(n), _) => usize::try_from(*n).map(Size::Known).unwrap_or(Size::Any),
        (None, Some(name)) if !name.is_empty() => Size::Named(name.clone()),
        _ => Size::Any,
    };
    let shape = tensor.shape.as_ref().map(|s| s.dim.iter().map(size).collect());
    Ok(Port { name: info.name.clone(), dtype: known_dtype(&op, tensor.elem_type)?, shape })
}

/// The nodes, each after those it reads from.
fn nodes(graph: &GraphProto, names: &mut Names) -> Result<Vec<Node>> {
    let mut makers: FxHashMap<&str, usize> = FxHashMap::default();
    for (i, node) in graph.node.iter().enumerate() {
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            if names.known(name) || makers.insert(name, i).is_some() {
                return Err(damaged(format!("the value \"{name}\" twice"), "a name of its own for each"));
            }
        }
    }
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); graph.node.len()];
    let mut waits = vec![0usize; graph.node.len()];
    for (i, node) in graph.node.iter().enumerate() {
        for name in node.input.iter().filter(|name| !name.is_empty()) {
            if let Some(maker) = makers.get(name.as_str()) {
                users[*maker].push(i);
                waits[i] += 1;
            } else {
                names.find(name)?;
            }
        }
    }
    // The file's order wherever it is one: the least ready node is next.
    let ready = (0..waits.len()).filter(|i| waits[*i] == 0).map(std::cmp::Reverse);
    let mut ready: std::collections::BinaryHeap<_> = ready.collect();
    let mut sorted = Vec::with_capacity(graph.node.len());
    while let Some(std::cmp::Reverse(i)) = ready.pop() {
        sorted.push(node(&graph.node[i], names)?);
        for user in &users[i] {
            waits[*user] -= 1;
            if waits[*user] == 0 {
                ready.push(std::cmp::Reverse(*user));
            }
        }
    }
    match waits.iter().position(|n| *n > 0) {
        None => Ok(sorted),
        Some(i) => Err(damaged(
            format!("a circle through {} \"{}\"", graph.node[i].op_type, graph.node[i].name),
            "a graph without circles",
        )),
    }
}

fn node(n: &NodeProto, names: &mut Names) -> Result<Node> {
    let named = |name: &String| (!name.is_empty()).then(|| name.clone());
    let inputs =
        n.input.iter().map(|i| named(i).map(|i| names.find(&i)).transpose()).collect::<Result<_>>()?;
    let outputs =
        n.output.iter().map(|o| named(o).map(|o| names.define(&o)).transpose()).collect::<Result<_>>()?;
    let title = format!("{} \"{}\"", n.op_type, label(n));
    let attributes =
        n.attribute.iter().map(|a| Ok((a.name.clone(), read(a, &title)?))).collect::<Result<_>>()?;
    Ok(Node { op: n.op_type.clone(), title, inputs, outputs, attributes })
}

fn read(a: &AttributeProto, title: &str) -> Result<Attribute> {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    let missing = || damaged(format!("attribute {} of {title} without its value", a.name), "a value");
    Ok(match a.r#type {
        attribute::FLOAT => Attribute::Float(a.f.unwrap_or_default()),
        attribute::INT => Attribute::Int(a.i.unwrap_or_default()),
        attribute::STRING => Attribute::Text(a.s.as_ref().map(text).unwrap_or_default()),
        attribute::TENSOR => {
            let (shape, data) = stored("constant", a.t.as_deref().ok_or_else(missing)?)?;
            Attribute::Tensor(Value::constant(&shape, data)?)
        }
        attribute::FLOATS => Attribute::Floats(a.floats.clone()),
        attribute::INTS => Attribute::Ints(a.ints.clone()),
        _ => Attribute::Other,
    })
}
