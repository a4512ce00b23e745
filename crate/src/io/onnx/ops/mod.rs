//! One small function an operator, by theme; each composes public methods of tensors.

pub mod activation;
pub mod conv;
pub mod elementwise;
pub mod index;
pub mod linear;
pub mod movement;
pub mod norm;
pub mod pool;
pub mod reduce;
pub mod resize;
pub mod shape;
