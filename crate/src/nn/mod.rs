//! Layers: plain structs of tensors with a `forward`. Names of the tensors are PyTorch's, so state dicts fit.

mod layers;
mod norm;
mod sequential;

pub use layers::{Conv2d, Dropout, Embedding, Linear};
pub use norm::{BatchNorm, LayerNorm};
pub use sequential::{Func, Sequential};

use crate::{
    error::{Error, Result},
    tensor::Tensor,
};
use std::collections::BTreeMap;

/// Tensors by dotted name, `0.weight`.
pub type StateDict = BTreeMap<String, Tensor>;

/// What a model is made of.
pub trait Module {
    fn forward(&self, x: &Tensor) -> Result<Tensor>;

    /// Every tensor of the module with its name, parameters and running statistics alike.
    fn tensors(&self) -> Vec<(String, Tensor)>;
}

/// The tensors an optimizer changes: those that require a gradient.
pub fn parameters(module: &dyn Module) -> Vec<Tensor> {
    module.tensors().into_iter().map(|(_, t)| t).filter(|t| t.requires_grad() == Some(true)).collect()
}

pub fn state_dict(module: &dyn Module) -> StateDict {
    module.tensors().into_iter().collect()
}

/// Assigns every tensor of the module from `dict`.
///
/// # Errors
/// `Data` naming all missing and unexpected keys; `Shape` naming the tensor that does not fit. Nothing is assigned
/// then.
pub fn load_state_dict(module: &dyn Module, dict: &StateDict) -> Result<()> {
    load_tensors(&module.tensors(), dict)
}

/// [`load_state_dict`] for tensors found by other means than [`Module`].
pub fn load_tensors(own: &[(String, Tensor)], dict: &StateDict) -> Result<()> {
    let missing: Vec<&str> = own.iter().map(|(k, _)| k.as_str()).filter(|k| !dict.contains_key(*k)).collect();
    let known = |k: &str| own.iter().any(|(own, _)| own == k);
    let unexpected: Vec<&str> = dict.keys().map(String::as_str).filter(|k| !known(k)).collect();
    if !missing.is_empty() || !unexpected.is_empty() {
        return Err(Error::data(
            "load_state_dict",
            format!("missing keys [{}], unexpected keys [{}]", missing.join(", "), unexpected.join(", ")),
            "exactly the model's keys",
            "load a file saved from the same model, or rename the keys",
        ));
    }
    for (key, tensor) in own {
        if tensor.shape() != dict[key].shape() {
            return Err(Error::shape(
                "load_state_dict",
                format!("{key} of shape {:?}", dict[key].shape().as_slice()),
                format!("shape {:?}", tensor.shape().as_slice()),
                "load a file saved from the same model",
            ));
        }
    }
    own.iter().try_for_each(|(key, tensor)| tensor.assign(&dict[key].cast(tensor.dtype())?))
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
