//! Mamba, a sequence model whose state is updated once for each token (Gu and Dao, 2023, arXiv 2312.00752). Names of
//! the weights are those of mamba-minimal, so that its state dicts fit.

use super::inside;
use crate::{
    error::{Error, Result},
    nn::{Conv2d, Embedding, Linear, Module, RmsNorm},
    tensor::{Conv2dOptions, Tensor},
};

/// What a [`Mamba`] is made of. All sizes are at least 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelArgs {
    /// Numbers for each token.
    pub d_model: usize,
    pub n_layer: usize,
    /// Kinds of tokens; the model rounds it up to a multiple of `pad_vocab_size_multiple`.
    pub vocab_size: usize,
    /// Numbers of state for each channel.
    pub d_state: usize,
    /// Channels inside a block for each number of a token.
    pub expand: usize,
    /// Numbers that the step sizes are made of.
    pub dt_rank: usize,
    /// Tokens that the convolution sees.
    pub d_conv: usize,
    pub pad_vocab_size_multiple: usize,
    pub conv_bias: bool,
    pub bias: bool,
}

impl ModelArgs {
    /// mamba-minimal's defaults; `dt_rank` is ⌈d_model / 16⌉.
    pub fn new(d_model: usize, n_layer: usize, vocab_size: usize) -> ModelArgs {
        ModelArgs {
            d_model,
            n_layer,
            vocab_size,
            d_state: 16,
            expand: 2,
            dt_rank: d_model.div_ceil(16),
            d_conv: 4,
            pad_vocab_size_multiple: 8,
            conv_bias: true,
            bias: false,
        }
    }

    fn checked(&self) -> Result<()> {
        let sizes = [
            ("d_model", self.d_model),
            ("n_layer", self.n_layer),
            ("vocab_size", self.vocab_size),
            ("d_state", self.d_state),
            ("expand", self.expand),
            ("dt_rank", self.dt_rank),
            ("d_conv", self.d_conv),
            ("pad_vocab_size_multiple", self.pad_vocab_size_multiple),
        ];
        match sizes.iter().find(|(_, size)| *size == 0) {
            None => Ok(()),
            Some((name, _)) => {
                Err(Error::argument("Mamba", format!("{name} 0"), "at least 1", format!("change {name}")))
            }
        }
    }
}

/// The recurrence `h[t] = exp(Δ[t]·A) · h[t - 1] + Δ[t]·B[t]·u[t]`, read as `y[t] = C[t]·h[t] + D·u[t]`.
///
/// `u` and `delta` are `[batch, length, channels]`, `a` is `[channels, state]`, `b` and `c` are
/// `[batch, length, state]`, `d` is `[channels]`; gives `[batch, length, channels]`. One kernel computes all states,
/// one their way back; both walk the length once.
///
/// # Errors
/// `Shape` for shapes that do not fit.
pub fn selective_scan(
    u: &Tensor,
    delta: &Tensor,
    a: &Tensor,
    b: &Tensor,
    c: &Tensor,
    d: &Tensor,
) -> Result<Tensor> {
    let keep = delta.unsqueeze(-1)?.mul(a)?.exp()?;
    let add = delta.mul(u)?.unsqueeze(-1)?.mul(b.unsqueeze(2)?)?;
    let states = Tensor::scan(&keep, &add, 1, false)?;
    states.mul(c.unsqueeze(2)?)?.sum(-1, false)?.add(u.mul(d)?)
}

/// What the scan of a block is given, all of it made from the input.
pub struct Selected {
    /// `[batch, length, channels]`, as are the step sizes `delta` and the `gate`.
    pub u: Tensor,
    pub delta: Tensor,
    /// `[batch, length, state]`: where to write; `c` says what to read.
    pub b: Tensor,
    pub c: Tensor,
    pub gate: Tensor,
}

/// One mixing of a sequence: a short convolution, the selective scan and a gate. Keeps `[batch, length, d_model]`.
pub struct MambaBlock {
    pub in_proj: Linear,
    pub conv1d: Conv2d,
    pub x_proj: Linear,
    pub dt_proj: Linear,
    /// `[channels, state]`: the log of how fast each number of state is forgotten.
    pub a_log: Tensor,
    /// `[channels]`: how much of the input passes by the state.
    pub d: Tensor,
    pub out_proj: Linear,
    sizes: [usize; 3],
}

impl MambaBlock {
    /// # Errors
    /// `Argument` for a size of 0.
    pub fn new(args: &ModelArgs) -> Result<MambaBlock> {
        args.checked()?;
        let (width, state, channels) = (args.d_model, args.d_state, args.expand * args.d_model);
        let causal = Conv2dOptions {
            groups: channels,
            padding: vec![args.d_conv as isize - 1],
            ..Conv2dOptions::default()
        };
        let in_proj = Linear::new(width, 2 * channels, args.bias)?;
        let conv1d = Conv2d::new(channels, channels, &[args.d_conv], causal, args.conv_bias)?;
        let x_proj = Linear::new(channels, args.dt_rank + 2 * state, false)?;
        let mut dt_proj = Linear::new(args.dt_rank, channels, true)?;
        dt_proj.bias = Some(weight(first_steps(channels)?)?);
        let decays: Vec<f32> = (0..channels * state).map(|i| ((1 + i % state) as f64).ln() as f32).collect();
        Ok(MambaBlock {
            in_proj,
            conv1d,
            x_proj,
            dt_proj,
            a_log: weight(Tensor::from_slice(&decays, &[channels, state])?)?,
            d: weight(Tensor::from_slice(&vec![1f32; channels], &[channels])?)?,
            out_proj: Linear::new(channels, width, args.bias)?,
            sizes: [args.dt_rank, state, state],
        })
    }

    /// # Errors
    /// `Shape` unless `x` is `[batch, length, d_model]`.
    pub fn select(&self, x: &Tensor) -> Result<Selected> {
        let width = self.in_proj.weight.shape()[1];
        let length = match x.shape()[..] {
            [_, length, inputs] if inputs == width => length,
            _ => {
                let got = format!("input {:?}", x.shape().as_slice());
                let fix = "give tokens as [batch, length]";
                return Err(Error::shape("Mamba", got, format!("[batch, length, {width}]"), fix));
            }
        };
        let halves = self.in_proj.forward(x)?.chunk(2, -1)?;
        let seen = self.conv1d.forward(&halves[0].transpose(1, 2)?)?;
        let u = seen.shrink_axes(&[None, None, Some((0, length))])?.transpose(1, 2)?.silu()?;
        let parts = self.x_proj.forward(&u)?.split(&self.sizes, -1)?;
        let delta = self.dt_proj.forward(&parts[0])?.softplus()?;
        Ok(Selected { u, delta, b: parts[1].clone(), c: parts[2].clone(), gate: halves[1].clone() })
    }
}

impl Module for MambaBlock {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let Selected { u, delta, b, c, gate } = self.select(x)?;
        let y = selective_scan(&u, &delta, &self.a_log.exp()?.neg()?, &b, &c, &self.d)?;
        self.out_proj.forward(&y.mul(gate.silu()?)?)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        let own = [("A_log".to_string(), self.a_log.clone()), ("D".to_string(), self.d.clone())];
        let layers = inside([
            ("in_proj", &self.in_proj as &dyn Module),
            ("conv1d", &self.conv1d),
            ("x_proj", &self.x_proj),
            ("dt_proj", &self.dt_proj),
            ("out_proj", &self.out_proj),
        ]);
        own.into_iter().chain(layers).collect()
    }
}

fn weight(values: Tensor) -> Result<Tensor> {
    values.set_requires_grad(true)?;
    Ok(values)
}

/// Biases whose softplus lies between 0.001 and 0.1, evenly on a log scale: the first step sizes.
fn first_steps(channels: usize) -> Result<Tensor> {
    let steps = Tensor::rand(&[channels])?.mul(100f64.ln())?.add(0.001f64.ln())?.exp()?;
    steps.add(steps.neg()?.expm1()?.neg()?.log()?)
}

/// `mixer(norm(x)) + x`.
pub struct ResidualBlock {
    pub mixer: MambaBlock,
    pub norm: RmsNorm,
}

impl Module for ResidualBlock {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.mixer.forward(&self.norm.forward(x)?)?.add(x)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        inside([("mixer", &self.mixer as &dyn Module), ("norm", &self.norm)])
    }
}

/// Tokens in, scores of the next token out: `[batch, length]` integers give `[batch, length, padded vocabulary]`. The
/// head is the embedding's own matrix.
///
/// ```
/// # use playgrad::{Result, Tensor, models::mamba::{Mamba, ModelArgs}, nn::Module};
/// # fn main() -> Result<()> {
/// let model = Mamba::new(ModelArgs::new(16, 2, 10))?;
/// let tokens = Tensor::from_slice(&[1, 7, 3, 9], &[1, 4])?;
/// assert_eq!(model.forward(&tokens)?.shape()[..], [1, 4, 16]);
/// # Ok(())
/// # }
/// ```
pub struct Mamba {
    pub embedding: Embedding,
    pub layers: Vec<ResidualBlock>,
    pub norm_f: RmsNorm,
    pub lm_head: Linear,
}

impl Mamba {
    /// # Errors
    /// `Argument` for a size of 0.
    pub fn new(args: ModelArgs) -> Result<Mamba> {
        args.checked()?;
        let vocabulary = args.vocab_size.next_multiple_of(args.pad_vocab_size_multiple);
        let norm = || RmsNorm::new(args.d_model, true, 1e-5);
        let embedding = Embedding::new(vocabulary, args.d_model)?;
        let block = |_| Ok(ResidualBlock { mixer: MambaBlock::new(&args)?, norm: norm()? });
        let layers = (0..args.n_layer).map(block).collect::<Result<_>>()?;
        let lm_head = Linear { weight: embedding.weight.clone(), bias: None };
        Ok(Mamba { embedding, layers, norm_f: norm()?, lm_head })
    }
}

impl Module for Mamba {
    fn forward(&self, tokens: &Tensor) -> Result<Tensor> {
        let start = self.embedding.forward(tokens)?;
        let x = self.layers.iter().try_fold(start, |x, layer| layer.forward(&x))?;
        self.lm_head.forward(&self.norm_f.forward(&x)?)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        let layers = self.layers.iter().enumerate().flat_map(|(i, layer)| {
            layer.tensors().into_iter().map(move |(name, t)| (format!("layers.{i}.{name}"), t))
        });
        let ends = inside([
            ("embedding", &self.embedding as &dyn Module),
            ("norm_f", &self.norm_f),
            ("lm_head", &self.lm_head),
        ]);
        ends.into_iter().chain(layers).collect()
    }
}
