//! Two transformers of minGPT's sizes for benchmarks and work counts, on short sequences of few tokens.

use super::inside;
use crate::{
    error::Result,
    graph::DType,
    nn::{Embedding, LayerNorm, Linear, Module, Sequential},
    tensor::{Slice, Tensor},
};

/// Tokens in a sequence, and how many kinds there are.
pub const LENGTH: usize = 64;
pub const VOCABULARY: usize = 64;
/// A score that softmax makes 0.
const NEVER: f64 = -1e9;

#[derive(Clone, Copy)]
struct Size {
    width: usize,
    heads: usize,
    layers: usize,
}

pub fn gpt_nano() -> Result<Sequential> {
    gpt(Size { width: 48, heads: 3, layers: 3 })
}

pub fn gpt_mini() -> Result<Sequential> {
    gpt(Size { width: 192, heads: 6, layers: 6 })
}

fn gpt(size: Size) -> Result<Sequential> {
    let width = size.width;
    let first = Sequential::default()
        .then(Tokens { token: Embedding::new(VOCABULARY, width)?, position: Embedding::new(LENGTH, width)? });
    let blocks = (0..size.layers).try_fold(first, |net, _| Ok(net.then(Block::new(size)?)))?;
    Ok(blocks.then(norm(width)?).then(Linear::new(width, VOCABULARY, true)?))
}

fn norm(width: usize) -> Result<LayerNorm> {
    LayerNorm::new(&[width], true, 1e-5)
}

/// What a token means plus where it stands.
struct Tokens {
    token: Embedding,
    position: Embedding,
}

impl Module for Tokens {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.token.forward(x)?.add(&self.position.weight)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        inside([("token", &self.token as &dyn Module), ("position", &self.position)])
    }
}

/// Causal self-attention, then two layers for each token by itself.
struct Block {
    size: Size,
    norm1: LayerNorm,
    attend: Linear,
    project: Linear,
    norm2: LayerNorm,
    grow: Linear,
    shrink: Linear,
}

impl Block {
    fn new(size: Size) -> Result<Block> {
        let width = size.width;
        Ok(Block {
            size,
            norm1: norm(width)?,
            attend: Linear::new(width, 3 * width, true)?,
            project: Linear::new(width, width, true)?,
            norm2: norm(width)?,
            grow: Linear::new(width, 4 * width, true)?,
            shrink: Linear::new(4 * width, width, true)?,
        })
    }
}

impl Module for Block {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let seen = causal(&self.attend.forward(&self.norm1.forward(x)?)?, self.size.heads, 0.0)?;
        let x = x.add(self.project.forward(&seen)?)?;
        x.add(self.shrink.forward(&self.grow.forward(&self.norm2.forward(&x)?)?.gelu()?)?)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        inside([
            ("norm1", &self.norm1 as &dyn Module),
            ("attend", &self.attend),
            ("project", &self.project),
            ("norm2", &self.norm2),
            ("grow", &self.grow),
            ("shrink", &self.shrink),
        ])
    }
}

/// Each token of queries, keys and values `[batch, length, 3 · width]` looks at itself and those before it; of where
/// it looks, `drop` is dropped while training. Gives `[batch, length, width]`.
pub(super) fn causal(x: &Tensor, heads: usize, drop: f64) -> Result<Tensor> {
    let (batch, length, width) = (x.shape()[0] as isize, x.shape()[1] as isize, x.shape()[2] / 3);
    let size = width / heads;
    let parts = x.reshape(&[batch, length, 3, heads as isize, size as isize])?.permute(&[2, 0, 3, 1, 4])?;
    let [q, k, v] = [0, 1, 2].map(|i| parts.slice(&[Slice::At(i)]));
    let at = Tensor::arange(0.0, length as f64, 1.0, DType::I32)?;
    let seen = at.unsqueeze(1)?.ge(&at)?;
    let scores = q?.matmul(&k?.transpose(-1, -2)?)?.mul(1.0 / (size as f64).sqrt())?;
    let out = seen.where_(scores, NEVER)?.softmax(-1)?.dropout(drop)?.matmul(&v?)?;
    out.permute(&[0, 2, 1, 3])?.reshape(&[batch, length, width as isize])
}
