use super::Module;
use crate::{error::Result, tensor::Tensor};

/// A function as a layer without tensors.
pub struct Func<F>(pub F);

impl<F: Fn(&Tensor) -> Result<Tensor>> Module for Func<F> {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.0(x)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        Vec::new()
    }
}

/// Layers one after another; their tensors are named `0.weight`, `1.bias`, ….
#[derive(Default)]
pub struct Sequential {
    layers: Vec<Box<dyn Module>>,
}

impl Sequential {
    pub fn new(layers: Vec<Box<dyn Module>>) -> Sequential {
        Sequential { layers }
    }

    /// Adds a layer at the end.
    pub fn then(mut self, layer: impl Module + 'static) -> Sequential {
        self.layers.push(Box::new(layer));
        self
    }

    /// Adds a function at the end.
    pub fn apply(self, f: impl Fn(&Tensor) -> Result<Tensor> + 'static) -> Sequential {
        self.then(Func(f))
    }
}

impl Module for Sequential {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.layers.iter().try_fold(x.clone(), |x, layer| layer.forward(&x))
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        let of =
            |i: usize| self.layers[i].tensors().into_iter().map(move |(name, t)| (format!("{i}.{name}"), t));
        (0..self.layers.len()).flat_map(of).collect()
    }
}
