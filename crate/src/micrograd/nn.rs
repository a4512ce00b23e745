use super::Value;
use crate::{
    data::random::Random,
    error::{Error, Result},
};

/// Something with parameters.
pub trait Module {
    /// The values that training changes.
    fn parameters(&self) -> Vec<Value>;

    /// Sets all gradients to 0; without it they add up.
    fn zero_grad(&self) {
        self.parameters().iter().for_each(|parameter| parameter.set_grad(0.0));
    }
}

/// `relu(w · x + b)`, or without the relu. Weights start uniform between -1 and 1, the bias at 0.
pub struct Neuron {
    pub w: Vec<Value>,
    pub b: Value,
    pub relu: bool,
}

impl Neuron {
    fn new(inputs: usize, relu: bool, random: &mut Random) -> Neuron {
        let w = (0..inputs).map(|_| Value::new(2.0 * random.unit() - 1.0)).collect();
        Neuron { w, b: Value::new(0.0), relu }
    }

    /// # Errors
    /// `Argument` unless there is an input for each weight.
    pub fn forward(&self, x: &[Value]) -> Result<Value> {
        if x.len() != self.w.len() {
            let (got, expected) = (format!("{} inputs", x.len()), format!("{}, one a weight", self.w.len()));
            let fix = "pass as many numbers as the network was made for";
            return Err(Error::argument("Neuron", got, expected, fix));
        }
        let mut total = self.b.data();
        let mut inputs = vec![(self.b.clone(), 1.0)];
        for (w, x) in self.w.iter().zip(x) {
            total += w.data() * x.data();
            inputs.extend([(w.clone(), x.data()), (x.clone(), w.data())]);
        }
        let total = Value::of(total, inputs);
        Ok(if self.relu { total.relu() } else { total })
    }
}

impl Module for Neuron {
    fn parameters(&self) -> Vec<Value> {
        self.w.iter().chain([&self.b]).cloned().collect()
    }
}

/// Neurons side by side.
pub struct Layer {
    pub neurons: Vec<Neuron>,
}

impl Layer {
    /// # Errors
    /// As [`Neuron::forward`].
    pub fn forward(&self, x: &[Value]) -> Result<Vec<Value>> {
        self.neurons.iter().map(|neuron| neuron.forward(x)).collect()
    }
}

impl Module for Layer {
    fn parameters(&self) -> Vec<Value> {
        self.neurons.iter().flat_map(Module::parameters).collect()
    }
}

/// Layers one after another; the last is linear.
pub struct Mlp {
    pub layers: Vec<Layer>,
}

impl Mlp {
    /// Layers of `outputs` neurons each; the weights follow from the seed.
    pub fn new(inputs: usize, outputs: &[usize], seed: u64) -> Mlp {
        let (mut inputs, mut random) = (inputs, Random::new(seed, 0));
        let layer = |(i, size): (usize, &usize)| {
            let neuron = |_| Neuron::new(inputs, i + 1 < outputs.len(), &mut random);
            let neurons = (0..*size).map(neuron).collect();
            inputs = *size;
            Layer { neurons }
        };
        Mlp { layers: outputs.iter().enumerate().map(layer).collect() }
    }

    /// Takes values or plain numbers.
    ///
    /// # Errors
    /// As [`Neuron::forward`].
    pub fn forward<T: Clone + Into<Value>>(&self, x: &[T]) -> Result<Vec<Value>> {
        let start = x.iter().cloned().map(Into::into).collect();
        self.layers.iter().try_fold(start, |x: Vec<Value>, layer| layer.forward(&x))
    }
}

impl Module for Mlp {
    fn parameters(&self) -> Vec<Value> {
        self.layers.iter().flat_map(Module::parameters).collect()
    }
}
