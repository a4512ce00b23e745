//! A model as a written graph of primitives, for an engine that has no part in reading it. Nothing is computed: a
//! value that decides shapes and is no constant is asked for, and given with the next attempt.

use super::{Model, value::Value};
use crate::{
    error::{Error, Result},
    graph::{self, DType, Leaf, Node},
    tensor::{Data, Tensor, block_on},
};
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// Dtype, shape and values of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub dtype: DType,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// Values by number that are given instead of computed.
#[derive(Clone, Debug, Default)]
pub struct Known(FxHashMap<usize, Value>);

impl Known {
    /// # Errors
    /// `Data` where there are more or fewer bytes than the shape says.
    pub fn insert(&mut self, at: usize, value: &Stored) -> Result<()> {
        let Stored { dtype, shape, bytes } = value;
        // Checks the size.
        Tensor::from_bytes(bytes.as_slice(), shape, *dtype)?;
        self.0.insert(at, Value::known(shape, Data::from_bytes(bytes, *dtype)));
        Ok(())
    }

    pub(super) fn value(&self, at: usize) -> Option<Value> {
        self.0.get(&at).cloned()
    }

    pub(super) fn fill(&self, values: &mut [Option<Value>]) {
        for (at, value) in &self.0 {
            if let Some(place) = values.get_mut(*at) {
                *place = Some(value.clone());
            }
        }
    }
}

/// A written graph over the model's inputs, its [`Model::tensors`], and further constants, in this order.
#[derive(Clone, Debug)]
pub struct Traced {
    pub graph: Vec<u8>,
    pub constants: Vec<Stored>,
    /// The graph's only output is this value: it decides shapes, so it has to be [`Known`].
    pub wanted: Option<usize>,
    /// Why it is wanted.
    pub reason: Option<Error>,
}

impl Model {
    /// The stored tensors by name: weights, statistics and large tables. Small integers are part of the graph.
    pub fn tensors(&self) -> Vec<(&str, &Tensor)> {
        self.values
            .iter()
            .filter_map(|(name, _, value)| match value {
                Value::Tensor(tensor) => Some((name.as_str(), tensor)),
                Value::Known(_) => None,
            })
            .collect()
    }

    /// The values of a stored tensor, which the model then no longer holds: it can only be traced.
    pub fn take(&self, i: usize) -> Option<Stored> {
        let node = self.tensors().get(i)?.1.node();
        let bytes = node.as_leaf()?.host.take()?;
        Some(Stored { dtype: node.dtype, shape: node.shape.to_vec(), bytes: bytes.to_vec() })
    }

    /// The graph for inputs of these shapes.
    ///
    /// # Errors
    /// As [`Model::run`].
    pub fn trace(&self, shapes: &[Vec<usize>], known: &Known) -> Result<Traced> {
        if shapes.len() != self.inputs.len() {
            let expected = format!("{}", self.inputs.len());
            return Err(Error::argument(
                "onnx",
                format!("{} inputs", shapes.len()),
                expected,
                "give every input",
            ));
        }
        let input = |(port, shape): (&super::Port, &Vec<usize>)| {
            let leaf =
                Node::leaf(Leaf::default(), shape.iter().copied().collect(), super::value::held(port.dtype));
            Tensor::from_node(leaf)
        };
        let inputs: Vec<Tensor> = self.inputs.iter().zip(shapes).map(input).collect();
        let named: Vec<(&str, &Tensor)> = self.inputs.iter().map(|p| p.name.as_str()).zip(&inputs).collect();
        let wanted = RefCell::default();
        let made = self.compose(&self.matched(&named)?, known, &wanted);
        let (outputs, wanted, reason) = match (made, wanted.take()) {
            (Ok(outputs), _) => (outputs, None, None),
            (Err(error), Some((at, tensor))) => (vec![tensor], Some(at), Some(error)),
            (Err(error), None) => return Err(error),
        };
        let nodes: Vec<Node> = outputs.iter().map(Tensor::node).collect();
        let leaves: Vec<Node> =
            inputs.iter().chain(self.tensors().into_iter().map(|(_, t)| t)).map(Tensor::node).collect();
        let (graph, rest) = graph::write_graph(&nodes, &leaves);
        Ok(Traced { graph, constants: rest.iter().map(constant).collect::<Result<_>>()?, wanted, reason })
    }
}

fn constant(node: &Node) -> Result<Stored> {
    let waiting = node.as_leaf().and_then(|leaf| leaf.host.borrow().clone());
    let bytes = match waiting {
        Some(bytes) => bytes,
        None => block_on(Tensor::from_node(node.clone()).data()).map_err(|_| random())?.to_bytes(),
    };
    Ok(Stored { dtype: node.dtype, shape: node.shape.to_vec(), bytes: bytes.to_vec() })
}

fn random() -> Error {
    Error::argument("onnx", "random numbers inside the model", "none", "export the model for inference")
}
