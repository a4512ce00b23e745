//! Static graphs, as in the first TensorFlow: write the computation down, then run it in a session.
//!
//! ```
//! use playgrad::{Result, Tensor, minitf::{Graph, GradientDescentOptimizer, Session}};
//! # fn main() -> Result<()> {
//! let graph = Graph::default();
//! let (x, y) = (graph.placeholder("x"), graph.placeholder("y"));
//! let (slope, start) = (graph.variable("slope", 0.0)?, graph.variable("start", 0.0)?);
//! let loss = slope.multiply(&x)?.add(&start)?.subtract(&y)?.square().reduce_mean(None);
//! let train = GradientDescentOptimizer { learning_rate: 0.1 }.minimize(&loss);
//! let (xs, ys) = (Tensor::linspace(-1.0, 2.0, 4)?, Tensor::linspace(-1.0, 5.0, 4)?);
//! let session = Session::new(&graph);
//! for _ in 0..100 {
//!     session.run([&train], &[(&x, &xs), (&y, &ys)])?;
//! }
//! assert!((slope.value().unwrap().item()? - 2.0).abs() < 0.01);
//! # Ok(())
//! # }
//! ```

mod graph;
mod session;

pub use graph::{Graph, Node, Operation};
pub use session::{GradientDescentOptimizer, Session};
