//! Layers: plain structs of tensors with a `forward`. Names of the tensors are PyTorch's, so state dicts fit.

mod conv;
mod layers;
mod fresh;
mod norm;
mod rnn;
mod sequential;

pub use conv::{Conv2d, ConvTranspose2d, same_padding};
pub use fresh::fresh;
pub use layers::{Dropout, Embedding, Flatten, Linear};
pub use norm::{BatchNorm, GroupNorm, LayerNorm, LayerNorm2d, RmsNorm};
pub use rnn::{LstmCell, Recurrent};
pub use sequential::{Func, Sequential};

use crate::{
    error::{Error, Result},
    tensor::{Tensor, known_values},
};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;

/// Tensors by dotted name, `0.weight`.
pub type StateDict = BTreeMap<String, Tensor>;

/// What a model is made of.
pub trait Module {
    fn forward(&self, x: &Tensor) -> Result<Tensor>;

    /// Every tensor of the module with its name, parameters and running statistics alike.
    fn tensors(&self) -> Vec<(String, Tensor)>;
}

/// The tensors an optimizer changes: those that require a gradient, each once where several layers share it.
pub fn parameters(module: &dyn Module) -> Vec<Tensor> {
    let mut found: Vec<Tensor> = Vec::new();
    for (_, tensor) in module.tensors() {
        if tensor.requires_grad() == Some(true) && !found.iter().any(|t| t.same(&tensor)) {
            found.push(tensor);
        }
    }
    found
}

pub fn state_dict(module: &dyn Module) -> StateDict {
    module.tensors().into_iter().collect()
}

/// Assigns every tensor of the module from `dict`. Shapes `[]` and `[1]` stand for each other; dtypes are cast.
/// Unless `strict`, keys that only one side has are left alone.
///
/// # Errors
/// `Data` naming all missing and unexpected keys and all shapes that differ. Nothing is assigned then.
pub fn load_state_dict(module: &dyn Module, dict: &StateDict, strict: bool) -> Result<()> {
    load_tensors(&module.tensors(), dict, strict)
}

/// [`load_state_dict`] for tensors found by other means than [`Module`].
///
/// # Errors
/// As [`load_state_dict`].
pub fn load_tensors(own: &[(String, Tensor)], dict: &StateDict, strict: bool) -> Result<()> {
    let mut faults = Vec::new();
    let mut fault = |what: &str, names: Vec<String>| {
        if !names.is_empty() {
            faults.push(format!("{what} [{}]", names.join(", ")));
        }
    };
    if strict {
        let names: FxHashSet<&str> = own.iter().map(|(name, _)| name.as_str()).collect();
        let lost = own.iter().map(|(name, _)| name).filter(|name| !dict.contains_key(*name));
        fault("missing keys", lost.cloned().collect());
        fault("unexpected keys", dict.keys().filter(|k| !names.contains(k.as_str())).cloned().collect());
    }
    let pairs: Vec<_> =
        own.iter().filter_map(|(name, tensor)| Some((name, tensor, dict.get(name)?))).collect();
    let one = |t: &Tensor| t.numel() == 1 && t.ndim() < 2;
    let differ = pairs.iter().filter(|(_, a, b)| a.shape() != b.shape() && !(one(a) && one(b)));
    let shapes = |(name, a, b): &(&String, &Tensor, &Tensor)| {
        format!("{name}: {:?} for {:?}", b.shape().as_slice(), a.shape().as_slice())
    };
    fault("shapes that differ", differ.map(shapes).collect());
    if !faults.is_empty() {
        let fix = "load a file saved from the same model, rename the keys, or load with strict off";
        let expected = "the model's own keys and shapes";
        return Err(Error::data("load_state_dict", faults.join(", "), expected, fix));
    }
    let fit = |tensor: &Tensor, value: &Tensor| {
        let (dtype, shape) = (tensor.dtype(), tensor.shape());
        // Numbers of 64 bits exist on the CPU alone: they are cast before they go to any device.
        if value.dtype().size() == 8 && value.dtype() != dtype {
            let data = known_values(value)?;
            let bytes = (0..data.len()).flat_map(|i| dtype.bytes_of(data.get(i))[..dtype.size()].to_vec());
            return Tensor::from_bytes(bytes.collect::<Vec<u8>>(), &shape, dtype);
        }
        let shape: Vec<isize> = shape.iter().map(|n| *n as isize).collect();
        value.reshape(&shape)?.cast(dtype)
    };
    let values = pairs.iter().map(|(_, tensor, value)| fit(tensor, value)).collect::<Result<Vec<_>>>()?;
    pairs.iter().zip(&values).try_for_each(|((_, tensor, _), value)| tensor.assign(value))
}

/// A parameter: float values that require a gradient.
fn parameter(values: Tensor) -> Result<Tensor> {
    values.set_requires_grad(true)?;
    Ok(values)
}

/// `weight` and, where there is one, `bias`.
fn named(weight: Option<&Tensor>, bias: Option<&Tensor>) -> Vec<(String, Tensor)> {
    let pair = [("weight", weight), ("bias", bias)];
    pair.into_iter().filter_map(|(name, t)| Some((name.to_string(), t?.clone()))).collect()
}
