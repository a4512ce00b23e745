//! Data sets: generated ones that need no download (digits, XOR, moons, spirals), and MNIST from its IDX files.
//! Everything is plain vectors first; `tensors()` hands them to the engine.

mod digits;
pub mod idx;
pub mod mnist;
mod points;
mod random;
mod strokes;

pub use digits::digits;
pub use points::{moons, spirals, xor};

/// Grey images with their classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// `[n, height, width]`, 0 black to 255 white.
    pub pixels: Vec<u8>,
    pub labels: Vec<u8>,
    pub height: usize,
    pub width: usize,
}

/// Points in the plane with their classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// `[n, 2]`.
    pub x: Vec<f32>,
    pub labels: Vec<u8>,
}
