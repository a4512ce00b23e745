//! Data sets: generated ones that need no download (digits, XOR, moons, spirals, counting), and MNIST from its IDX files.
//! Everything is plain vectors first; `tensors()` hands them to the engine.

mod digits;
pub mod idx;
pub mod mnist;
mod points;
pub(crate) mod random;
mod strokes;
mod tokens;

use crate::{error::Result, tensor::Tensor};
pub use digits::digits;
pub use points::{moons, spirals, xor};
pub use tokens::counting;

/// Grey images with their classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// `[n, height, width]`, 0 black to 255 white.
    pub pixels: Vec<u8>,
    pub labels: Vec<u8>,
    pub height: usize,
    pub width: usize,
}

/// Token sequences, each with the same sequence one token later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequences {
    /// `[n, length]`.
    pub tokens: Vec<i32>,
    pub next: Vec<i32>,
    pub length: usize,
}

/// Points in the plane with their classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// `[n, 2]`.
    pub x: Vec<f32>,
    pub labels: Vec<u8>,
}

impl Images {
    /// Pixels as uint8 `[n, height, width]`, labels as int32 `[n]`.
    pub fn tensors(&self) -> Result<(Tensor, Tensor)> {
        let shape = [self.labels.len(), self.height, self.width];
        Ok((Tensor::from_slice(&self.pixels, &shape)?, classes(&self.labels)?))
    }
}

impl Points {
    /// Positions as float32 `[n, 2]`, labels as int32 `[n]`.
    pub fn tensors(&self) -> Result<(Tensor, Tensor)> {
        Ok((Tensor::from_slice(&self.x, &[self.labels.len(), 2])?, classes(&self.labels)?))
    }
}

impl Sequences {
    /// Tokens and what follows each, both int32 `[n, length]`.
    pub fn tensors(&self) -> Result<(Tensor, Tensor)> {
        let shape = [self.tokens.len() / self.length.max(1), self.length];
        Ok((Tensor::from_slice(&self.tokens, &shape)?, Tensor::from_slice(&self.next, &shape)?))
    }
}

fn classes(labels: &[u8]) -> Result<Tensor> {
    let labels: Vec<i32> = labels.iter().map(|l| i32::from(*l)).collect();
    Tensor::from_slice(&labels, &[labels.len()])
}
