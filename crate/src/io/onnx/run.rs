//! A checked graph to tensors: each node's function in order, folded where all it reads is known.

use super::{
    Model, Port, Size,
    call::{Call, Node},
    table::{self, Run},
    trace::Known,
    value::{Value, fold, held, narrowed},
};
use crate::{
    error::{Error, Result},
    nn::StateDict,
    tensor::Tensor,
};
use std::{cell::RefCell, collections::BTreeMap};

impl Model {
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// The operator of each node.
    pub fn operators(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|node| node.op.as_str())
    }

    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// Weights and statistics by name: the tensors that every run shares, so an optimizer that steps those that
    /// require gradients trains the model.
    pub fn parameters(&self) -> &StateDict {
        &self.parameters
    }

    /// The outputs, in the order of [`Model::outputs`]: lazy, as every tensor. Values that decide shapes and are
    /// computed from the inputs are read back.
    ///
    /// # Errors
    /// `Argument` for an input that is missing or not the model's, `Shape` and `DType` for one that is not as
    /// declared, and those of the operators, which name the node.
    pub fn run(&self, inputs: &[(&str, &Tensor)]) -> Result<Vec<Tensor>> {
        self.compose(&self.matched(inputs)?, &Known::default(), &RefCell::default())
    }

    /// The outputs for these inputs in order, with some values given beforehand.
    pub(super) fn compose(
        &self,
        inputs: &[&Tensor],
        known: &Known,
        wanted: &RefCell<Option<(usize, Tensor)>>,
    ) -> Result<Vec<Tensor>> {
        let mut values: Vec<Option<Value>> = vec![None; self.count];
        self.values.iter().for_each(|(_, at, value)| values[*at] = Some(value.clone()));
        for ((port, at), tensor) in self.inputs.iter().zip(&self.input_at).zip(inputs) {
            let (tensor, to) = (narrowed(tensor)?, held(port.dtype));
            values[*at] = Some(Value::Tensor(if tensor.dtype() == to { tensor } else { tensor.cast(to)? }));
        }
        known.fill(&mut values);
        for node in &self.nodes {
            let results = self.step(node, &values, wanted)?;
            for (at, value) in node.outputs.iter().zip(results) {
                if let Some(at) = at {
                    values[*at] = Some(known.value(*at).unwrap_or(value));
                }
            }
        }
        let missing = |i: usize| {
            let got = format!("no value for \"{}\"", self.outputs[i].name);
            Error::data("onnx", got, "one from the operator it is a result of", "export the model again")
        };
        let output = |(i, at): (usize, &usize)| values[*at].as_ref().ok_or_else(|| missing(i))?.tensor();
        self.output_at.iter().enumerate().map(output).collect()
    }

    fn step(
        &self,
        node: &Node,
        values: &[Option<Value>],
        wanted: &RefCell<Option<(usize, Tensor)>>,
    ) -> Result<Vec<Value>> {
        let absent = |at: &usize| {
            let got = "an input that its own operator did not give";
            Error::data(&node.title, got, "a value", format!("check what gives value {at}"))
        };
        let inputs = node
            .inputs
            .iter()
            .map(|at| at.as_ref().map(|at| values[*at].as_ref().ok_or_else(|| absent(at))).transpose())
            .collect::<Result<Vec<_>>>()?;
        let folds = inputs.iter().all(|v| matches!(v, None | Some(Value::Known(_))));
        let call = Call { node, inputs: &inputs, opset: self.opset, folds, wanted };
        let row = table::row(&node.op, self.opset)
            .ok_or_else(|| call.error(&node.op, "a supported operator", "export the model again"))?;
        let results = match row.run {
            Run::One(f) => f(&call).map(|t| vec![t]),
            Run::Many(f) => f(&call),
            Run::Value(f) => return f(&call).map(|v| vec![v]).map_err(|e| of_node(e, node)),
        };
        let results = results.map_err(|e| of_node(e, node))?;
        let folded = |t: Tensor| if folds { fold(&t).unwrap_or(Value::Tensor(t)) } else { Value::Tensor(t) };
        Ok(results.into_iter().map(folded).collect())
    }

    /// The tensors of the inputs in the model's order, each checked against its declaration.
    pub(super) fn matched<'a>(&self, given: &[(&str, &'a Tensor)]) -> Result<Vec<&'a Tensor>> {
        let names = || self.inputs.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
        if let Some((name, _)) = given.iter().find(|(name, _)| self.inputs.iter().all(|p| p.name != *name)) {
            return Err(Error::argument(
                "onnx run",
                format!("\"{name}\""),
                names(),
                "name the model's inputs",
            ));
        }
        let mut sizes = BTreeMap::new();
        let one = |port: &Port| {
            let found = given.iter().find(|(name, _)| *name == port.name);
            let (_, tensor) = found.ok_or_else(|| {
                let got = format!("no input \"{}\"", port.name);
                Error::argument("onnx run", got, names(), "give every input")
            })?;
            check(port, tensor, &mut sizes)?;
            Ok(*tensor)
        };
        self.inputs.iter().map(one).collect()
    }
}

/// An operator's own error, in the name of the node.
fn of_node(error: Error, node: &Node) -> Error {
    if error.op == node.title { error } else { Error { op: node.title.clone(), ..error } }
}

fn check(port: &Port, tensor: &Tensor, sizes: &mut BTreeMap<String, usize>) -> Result<()> {
    let op = format!("onnx input \"{}\"", port.name);
    let near = held(port.dtype) == held(tensor.dtype()) || (port.dtype.is_int() && tensor.dtype().is_int());
    if !near {
        return Err(Error::dtype(&op, tensor.dtype().name(), port.dtype.name(), "cast the tensor"));
    }
    let Some(declared) = &port.shape else { return Ok(()) };
    let shape = tensor.shape();
    let mut fits = |(size, n): (&Size, &usize)| match size {
        Size::Known(known) => known == n,
        Size::Named(name) => *sizes.entry(name.clone()).or_insert(*n) == *n,
        Size::Any => true,
    };
    if declared.len() == shape.len() && declared.iter().zip(&shape).all(&mut fits) {
        return Ok(());
    }
    let written = declared.iter().map(|size| match size {
        Size::Known(n) => n.to_string(),
        Size::Named(name) => sizes.get(name).map_or_else(|| name.clone(), |n| format!("{name} = {n}")),
        Size::Any => "?".into(),
    });
    let expected = format!("[{}]", written.collect::<Vec<_>>().join(", "));
    Err(Error::shape(&op, format!("shape {:?}", shape.as_slice()), expected, "reshape the tensor"))
}
