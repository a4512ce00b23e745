//! Trained models: takes the bytes of an ONNX file, gives a [`Model`] that composes our methods.
//! <https://onnx.ai/onnx/operators/>, opset 7 to 22.
//!
//! `proto` (messages) → `load` (checked graph) → `run` (each node's function from `table`, on tensors). Operators
//! whose inputs are all known while the graph is built are folded on the host. Deliberately absent: control flow,
//! sequences, strings, quantized types, functions and operators of other domains.
//!
//! ```no_run
//! # use playgrad::{Result, Tensor, io::onnx::Model};
//! # fn main() -> Result<()> {
//! let model = Model::open("mnist.onnx")?;
//! let image = Tensor::zeros(&[1, 1, 28, 28])?;
//! let results = model.run(&[(&model.inputs()[0].name, &image)])?;
//! # Ok(())
//! # }
//! ```

mod call;
mod export;
mod external;
mod load;
mod ops;
pub mod proto;
mod run;
mod table;
mod trace;
mod value;

pub use export::{Ports, Weight, export, save_onnx};
pub use external::Part;
pub use trace::{Known, Stored, Traced};

use crate::{
    error::{Error, Result},
    graph::DType,
    nn::StateDict,
    tensor::Tensor,
};
use prost::Message;

/// A model: what goes in, what comes out, its weights, and the operators between.
#[derive(Debug)]
pub struct Model {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    opset: i64,
    parameters: StateDict,
    nodes: Vec<call::Node>,
    /// Initialisers by name and the number of their value.
    values: Vec<(String, usize, value::Value)>,
    /// The numbers of the inputs and outputs, and how many there are.
    input_at: Vec<usize>,
    output_at: Vec<usize>,
    count: usize,
}

/// An input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    pub name: String,
    pub dtype: DType,
    /// `None` where the file says nothing of the shape.
    pub shape: Option<Vec<Size>>,
}

impl Port {
    /// The dtype that stands for it where the device has no 64-bit lanes.
    pub fn held(&self) -> DType {
        value::held(self.dtype)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Size {
    Known(usize),
    /// The same for all inputs that name it.
    Named(String),
    Any,
}

/// The operators that are read, with the first and last opset of each.
pub fn operators() -> impl Iterator<Item = (&'static str, i64, i64)> {
    table::ROWS.iter().map(|row| (row.name, row.first, row.last))
}

/// A tensor alone in a file, as ONNX's test data are: its name and values.
///
/// # Errors
/// `Data` for a damaged file, `DType` for dtypes we lack.
pub fn load_tensor(bytes: &[u8]) -> Result<(String, Tensor)> {
    let t = proto::TensorProto::decode(bytes).map_err(|e| {
        let got = format!("{} bytes that are no tensor ({e})", bytes.len());
        Error::data("onnx", got, "an ONNX tensor", "fetch the file again")
    })?;
    let (shape, data) = value::stored("tensor", &t)?;
    Ok((t.name, Tensor::from_bytes(data.to_bytes(), &shape, data.dtype())?))
}
