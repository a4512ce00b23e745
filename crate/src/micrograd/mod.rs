//! Scalars that know their gradients, and perceptrons of them, after karpathy's micrograd.
//!
//! ```
//! use playgrad::micrograd::Value;
//! let (a, b) = (Value::new(3.0), Value::new(2.0));
//! let y = (&a * &b + b.powf(3.0)).relu() - 4.0 / &b;
//! y.backward();
//! assert_eq!((y.data(), a.grad(), b.grad()), (12.0, 2.0, 16.0));
//! ```

mod nn;
mod value;

pub use nn::{Layer, Mlp, Module, Neuron};
pub use value::Value;
