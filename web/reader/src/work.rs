//! What can be asked for.

use crate::request::{Message, damaged, described, sizes, stored};
use playgrad::{
    Error, Result,
    graph::{Leaf, Node, read_graph},
    io::{
        self,
        onnx::{self, Known, Model, Part, Port, Ports, Size, Stored, Weight},
    },
};
use serde_json::{Value, json};
use std::{cell::RefCell, collections::BTreeMap};

thread_local! {
    static MODELS: RefCell<Vec<Option<Model>>> = const { RefCell::new(Vec::new()) };
}

pub fn answer(request: Message) -> Result<Message> {
    match request.text("do")? {
        "torch" => torch(request),
        "files" => files(request),
        "open" => open(request),
        "take" => with(&request, |model| take(model, request.number("tensor")?)),
        "trace" => with(&request, |model| trace(model, &request)),
        "export" => export(request),
        "close" => {
            let at = request.number("model")?;
            let gone = MODELS.with_borrow_mut(|all| all.get_mut(at).and_then(Option::take));
            drop(gone);
            Ok(Message::default())
        }
        _ => Err(damaged("an unknown request")),
    }
}

fn with(request: &Message, f: impl FnOnce(&Model) -> Result<Message>) -> Result<Message> {
    let at = request.number("model")?;
    MODELS.with_borrow(|all| {
        f(all.get(at).and_then(Option::as_ref).ok_or_else(|| damaged("a closed model"))?)
    })
}

/// Named tensors, their bytes as parts.
fn torch(mut request: Message) -> Result<Message> {
    let tensors = io::load_torch("loadTorch", &request.part(0)?)?;
    let (mut listed, mut parts) = (Vec::new(), Vec::new());
    for (name, tensor) in &tensors {
        listed.push(json!([name, described(tensor.dtype(), &tensor.shape())]));
        parts.push(host_bytes(tensor)?);
    }
    Ok(Message::of(json!({ "tensors": listed }), parts))
}

fn host_bytes(tensor: &playgrad::Tensor) -> Result<Vec<u8>> {
    let node = tensor.node();
    let host = node.as_leaf().and_then(|leaf| leaf.host.borrow().clone());
    Ok(host.map(|bytes| bytes.to_vec()).unwrap_or_default())
}

/// The files beside a model that hold its weights.
fn files(mut request: Message) -> Result<Message> {
    let mut names = Vec::new();
    for part in Model::parts(&request.part(0)?)? {
        if !names.contains(&part.location) {
            names.push(part.location);
        }
    }
    Ok(Message::of(json!({ "files": names }), Vec::new()))
}

/// Parts: the model, then the files that `files` names.
fn open(mut request: Message) -> Result<Message> {
    let names = request.texts("files")?;
    let bytes = request.part(0)?;
    let beside: BTreeMap<String, Vec<u8>> = names.into_iter().zip(request.parts.drain(1..)).collect();
    let model = Model::load_with(&bytes, |part| cut(&beside, part))?;
    drop(bytes);
    let tensor = |(name, t): (&str, &playgrad::Tensor)| {
        let weight = model.parameters().contains_key(name);
        let trained = t.requires_grad() == Some(true);
        json!({ "name": name, "dtype": t.dtype().name(), "shape": t.shape().as_slice(), "weight": weight, "trained": trained })
    };
    let mut operators: BTreeMap<&str, usize> = BTreeMap::new();
    model.operators().for_each(|op| *operators.entry(op).or_default() += 1);
    let mut fields = json!({
        "inputs": model.inputs().iter().map(input).collect::<Value>(),
        "outputs": model.outputs().iter().map(port).collect::<Value>(),
        "opset": model.opset(),
        "operators": operators,
        "tensors": model.tensors().into_iter().map(tensor).collect::<Value>(),
    });
    fields["model"] = MODELS
        .with_borrow_mut(|all| {
            all.push(Some(model));
            all.len() - 1
        })
        .into();
    Ok(Message::of(fields, Vec::new()))
}

fn cut(files: &BTreeMap<String, Vec<u8>>, part: &Part) -> Result<Vec<u8>> {
    let missing = |got: String, fix: &str| Error::data("onnx", got, "the model's weights", fix);
    let file = files.get(&part.location).ok_or_else(|| {
        missing(
            format!("no file \"{}\"", part.location),
            "give it: onnx.load(model, { files: { name: bytes } })",
        )
    })?;
    let start = usize::try_from(part.offset).unwrap_or(usize::MAX);
    let rest = file.get(start..).unwrap_or_default();
    let wanted = part.length.map_or(rest.len(), |n| usize::try_from(n).unwrap_or(usize::MAX));
    let found = rest.get(..wanted).ok_or_else(|| {
        missing(format!("{} bytes in \"{}\"", file.len(), part.location), "fetch the file again")
    })?;
    Ok(found.to_vec())
}

fn input(of: &Port) -> Value {
    let mut fields = port(of);
    fields["held"] = of.held().name().into();
    fields
}

fn port(port: &Port) -> Value {
    let size = |size: &Size| match size {
        Size::Known(n) => json!(n),
        Size::Named(name) => json!(name),
        Size::Any => Value::Null,
    };
    let shape = port.shape.as_ref().map(|shape| shape.iter().map(size).collect::<Value>());
    json!({ "name": port.name, "dtype": port.dtype.name(), "shape": shape })
}

/// Parts: written graphs over inputs and weights, for one batch size or two, then the weights' values. The answer's
/// is the file.
fn export(mut request: Message) -> Result<Message> {
    let named = |v: &Value| v["name"].as_str().map(str::to_string).ok_or_else(|| damaged("no name"));
    let leaf = |v: &Value| {
        let Stored { dtype, shape, .. } = stored(v, Vec::new())?;
        Ok((named(v)?, Node::leaf(Leaf::default(), shape.into_iter().collect(), dtype)))
    };
    let graphs = request.list("inputs")?.to_vec();
    let mut weights = Vec::new();
    for (i, kind) in request.list("weights")?.to_vec().iter().enumerate() {
        let ((name, node), value) = (leaf(kind)?, stored(kind, request.part(graphs.len() + i)?)?);
        weights.push(Weight { name, node, value });
    }
    let mut ports = Vec::new();
    for (i, inputs) in graphs.iter().enumerate() {
        let inputs = inputs.as_array().into_iter().flatten().map(leaf).collect::<Result<Vec<_>>>()?;
        let stored = weights.iter().map(|w| &w.node);
        let leaves: Vec<Node> = inputs.iter().map(|(_, n)| n).chain(stored).cloned().collect();
        let nodes = read_graph(&request.part(i)?, &leaves)?;
        ports.push(Ports { inputs, outputs: request.texts("outputs")?.into_iter().zip(nodes).collect() });
    }
    let first = ports.first().ok_or_else(|| damaged("no graph"))?;
    let file = onnx::export(first, ports.get(1), weights)?;
    Ok(Message::of(json!({}), vec![file]))
}

/// A stored tensor's values, which leave the module.
fn take(model: &Model, i: usize) -> Result<Message> {
    let tensor = model.take(i).ok_or_else(|| damaged("a tensor that was taken before"))?;
    Ok(Message::of(described(tensor.dtype, &tensor.shape), vec![tensor.bytes]))
}

/// Parts of the answer: the graph, then its constants.
fn trace(model: &Model, request: &Message) -> Result<Message> {
    let wrong = || damaged("shapes that are no lists");
    let shape = |v: &Value| sizes(v.as_array().ok_or_else(wrong)?);
    let shapes = request.list("shapes")?.iter().map(shape).collect::<Result<Vec<_>>>()?;
    let mut known = Known::default();
    for (kind, bytes) in request.list("known")?.iter().zip(&request.parts) {
        let at = kind["value"].as_u64().ok_or_else(|| damaged("a value without its number"))? as usize;
        known.insert(at, &stored(kind, bytes.clone())?)?;
    }
    let made = model.trace(&shapes, &known)?;
    let kinds = made.constants.iter().map(|c| described(c.dtype, &c.shape)).collect::<Value>();
    let why = made.reason.map(|reason| reason.op);
    let fields = json!({ "constants": kinds, "wanted": made.wanted, "why": why });
    let constants = made.constants.into_iter().map(|Stored { bytes, .. }| bytes);
    Ok(Message::of(fields, [made.graph].into_iter().chain(constants).collect()))
}
