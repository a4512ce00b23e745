//! Andrej Karpathy's minGPT: GPT-2's architecture with its sizes (norms before the layers, tanh GELU). Names of the
//! weights are minGPT's.

use super::{gpt::causal, inside};
use crate::{
    error::{Error, Result},
    graph::DType,
    nn::{Embedding, LayerNorm, Linear, Module},
    optim::{AdamOptions, Optimizer},
    tensor::{Reduction, Tensor, no_grad, with_training},
};

/// Layers, heads and width of the models that have a name.
pub const SIZES: [(&str, [usize; 3]); 9] = [
    ("openai-gpt", [12, 12, 768]),
    ("gpt2", [12, 12, 768]),
    ("gpt2-medium", [24, 16, 1024]),
    ("gpt2-large", [36, 20, 1280]),
    ("gpt2-xl", [48, 25, 1600]),
    ("gopher-44m", [8, 16, 512]),
    ("gpt-mini", [6, 6, 192]),
    ("gpt-micro", [4, 4, 128]),
    ("gpt-nano", [3, 3, 48]),
];

/// What a [`Gpt`] is made of. All sizes are at least 1, `n_embd` is a multiple of `n_head`.
#[derive(Clone, Debug, PartialEq)]
pub struct GptOptions {
    /// How many kinds of tokens there are.
    pub vocab_size: usize,
    /// The most tokens it sees at once.
    pub block_size: usize,
    pub n_layer: usize,
    pub n_head: usize,
    pub n_embd: usize,
    /// Dropped while training: of the embeddings, of what a block adds, of the attention.
    pub embd_pdrop: f64,
    pub resid_pdrop: f64,
    pub attn_pdrop: f64,
}

impl GptOptions {
    /// Layers, heads and width; a tenth is dropped.
    pub fn new(vocab_size: usize, block_size: usize, [n_layer, n_head, n_embd]: [usize; 3]) -> GptOptions {
        let [embd_pdrop, resid_pdrop, attn_pdrop] = [0.1; 3];
        GptOptions { vocab_size, block_size, n_layer, n_head, n_embd, embd_pdrop, resid_pdrop, attn_pdrop }
    }

    /// Those of a model of [`SIZES`].
    ///
    /// # Errors
    /// `Argument` for another name.
    pub fn named(name: &str, vocab_size: usize, block_size: usize) -> Result<GptOptions> {
        let size = SIZES.into_iter().find(|(known, _)| *known == name).ok_or_else(|| {
            let expected = SIZES.map(|(name, _)| name).join(", ");
            Error::argument("Gpt", format!("model \"{name}\""), expected, "use one of these")
        })?;
        Ok(Self::new(vocab_size, block_size, size.1))
    }

    /// How many weights such a model has, without making it. Those of the head are left out, as minGPT does when it
    /// prints the number: in GPT-2 the head is the embedding's own matrix.
    pub fn parameter_count(&self) -> usize {
        let (width, tables) = (self.n_embd, self.vocab_size + self.block_size);
        (tables + 2) * width + self.n_layer * (12 * width + 13) * width
    }

    fn checked(&self) -> Result<()> {
        let wrong = |got, expected: &str, fix: &str| Err(Error::argument("Gpt", got, expected, fix));
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("block_size", self.block_size),
            ("n_layer", self.n_layer),
            ("n_head", self.n_head),
            ("n_embd", self.n_embd),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return wrong(format!("{name} 0"), "at least 1", &format!("change {name}"));
        }
        if !self.n_embd.is_multiple_of(self.n_head) {
            let got = format!("{} heads for a width of {}", self.n_head, self.n_embd);
            return wrong(got, "a width that is a multiple of the heads", "change n_embd or n_head");
        }
        Ok(())
    }
}

/// Causal self-attention (arXiv 1706.03762), then two layers for each token by itself; both add to what comes in.
struct Block {
    ln_1: LayerNorm,
    c_attn: Linear,
    attn_proj: Linear,
    ln_2: LayerNorm,
    c_fc: Linear,
    mlp_proj: Linear,
    options: GptOptions,
}

impl Block {
    fn new(options: &GptOptions) -> Result<Block> {
        let width = options.n_embd;
        let layer = |inputs, outputs| Linear::new(inputs, outputs, true);
        Ok(Block {
            ln_1: LayerNorm::new(&[width], true, 1e-5)?,
            c_attn: layer(width, 3 * width)?,
            attn_proj: layer(width, width)?,
            ln_2: LayerNorm::new(&[width], true, 1e-5)?,
            c_fc: layer(width, 4 * width)?,
            mlp_proj: layer(4 * width, width)?,
            options: options.clone(),
        })
    }
}

impl Module for Block {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let GptOptions { n_head, resid_pdrop, attn_pdrop, .. } = self.options;
        let mixed = causal(&self.c_attn.forward(&self.ln_1.forward(x)?)?, n_head, attn_pdrop)?;
        let x = x.add(self.attn_proj.forward(&mixed)?.dropout(resid_pdrop)?)?;
        let grown = self.c_fc.forward(&self.ln_2.forward(&x)?)?.gelu()?;
        x.add(self.mlp_proj.forward(&grown)?.dropout(resid_pdrop)?)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        inside([
            ("ln_1", &self.ln_1 as &dyn Module),
            ("attn.c_attn", &self.c_attn),
            ("attn.c_proj", &self.attn_proj),
            ("ln_2", &self.ln_2),
            ("mlp.c_fc", &self.c_fc),
            ("mlp.c_proj", &self.mlp_proj),
        ])
    }
}

/// How the next token is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    Likeliest,
    /// Drawn, of the `top_k` likeliest or of all; below a temperature of 1 likely tokens become likelier.
    Drawn {
        temperature: f64,
        top_k: Option<usize>,
    },
}

/// A transformer that says which token comes next: integers `[batch, length]` give logits
/// `[batch, length, vocab_size]`. Weights start normal with deviation 0.02, those that end a residual branch with
/// 0.02 / √(2 · n_layer); biases start at 0.
pub struct Gpt {
    pub options: GptOptions,
    wte: Embedding,
    wpe: Embedding,
    blocks: Vec<Block>,
    ln_f: LayerNorm,
    lm_head: Linear,
}

impl Gpt {
    /// # Errors
    /// `Argument` for a size of 0 and for a width that is no multiple of the heads.
    pub fn new(options: GptOptions) -> Result<Gpt> {
        options.checked()?;
        let width = options.n_embd;
        let model = Gpt {
            wte: Embedding::new(options.vocab_size, width)?,
            wpe: Embedding::new(options.block_size, width)?,
            blocks: (0..options.n_layer).map(|_| Block::new(&options)).collect::<Result<_>>()?,
            ln_f: LayerNorm::new(&[width], true, 1e-5)?,
            lm_head: Linear::new(width, options.vocab_size, false)?,
            options,
        };
        let residual = 0.02 / (2.0 * model.options.n_layer as f64).sqrt();
        for (name, weight) in model.tensors() {
            if weight.ndim() == 2 {
                let std = if name.ends_with("c_proj.weight") { residual } else { 0.02 };
                weight.assign(&Tensor::normal(&weight.shape(), 0.0, std)?)?;
            } else if name.ends_with("bias") {
                weight.assign(&weight.zeros_like()?)?;
            }
        }
        Ok(model)
    }

    /// The mean cross-entropy of the targets `[batch, length]`; those of -1 do not count, in the mean neither.
    ///
    /// # Errors
    /// As [`Module::forward`], and `Shape` for targets of another shape than the tokens.
    pub fn loss(&self, tokens: &Tensor, targets: &Tensor) -> Result<Tensor> {
        let scores = self.forward(tokens)?.log_softmax(-1)?.flatten_to(0, 1)?;
        scores.nll_loss(&targets.flatten(0)?, None, Some(-1), Reduction::Mean)
    }

    /// minGPT's AdamW: betas 0.9 and 0.95, a weight decay of 0.1 for the weights of linear layers alone.
    ///
    /// # Errors
    /// `Argument` for a learning rate out of range.
    pub fn optimizer(&self, lr: f64) -> Result<Optimizer> {
        let of = |decays: bool| {
            let linear =
                |name: &str| name.ends_with(".weight") && (name.contains("c_") || name.contains("lm_"));
            let own = self.tensors().into_iter().filter(|(name, _)| linear(name) == decays);
            let weight_decay = if decays { 0.1 } else { 0.0 };
            let options = AdamOptions { lr, betas: [0.9, 0.95], weight_decay, ..AdamOptions::default() };
            Optimizer::adamw(&own.map(|(_, weight)| weight).collect::<Vec<_>>(), options)
        };
        Optimizer::group(&[&of(true)?, &of(false)?])
    }

    /// Tokens `[batch, length]` with `count` more after them; sees the last `block_size` of them.
    ///
    /// # Errors
    /// `Shape` unless tokens are `[batch, length]` with a length of at least 1.
    pub fn generate(&self, tokens: &Tensor, count: usize, sampling: Sampling) -> Result<Tensor> {
        let (block, length) = (self.options.block_size, self.length(tokens, usize::MAX)?);
        let mut at = length.min(block);
        let seen = tokens.shrink_axes(&[None, Some((length - at, length))])?;
        let mut window = seen.pad(&[(0, 0), (0, block - at)], 0)?;
        let mut made = vec![tokens.clone()];
        for _ in 0..count {
            let last = Tensor::from_slice(&[at as i32 - 1], &[1])?;
            let next = no_grad(|| with_training(false, || self.choose(&window, &last, sampling)))?;
            if at == block {
                let rest = window.shrink_axes(&[None, Some((1, block))])?;
                window = Tensor::cat(&[rest, next.clone()], 1)?;
            } else {
                let here = Tensor::arange(0.0, block as f64, 1.0, DType::I32)?.eq(at as i32)?;
                window = here.where_(&next, &window)?;
                at += 1;
            }
            crate::tensor::realize_all(&[next.clone(), window.clone()])?;
            made.push(next);
        }
        Tensor::cat(&made, 1)
    }

    fn choose(&self, window: &Tensor, last: &Tensor, sampling: Sampling) -> Result<Tensor> {
        let vocabulary = self.options.vocab_size;
        let logits =
            self.forward(window)?.transpose(0, 1)?.index(last)?.reshape(&[-1, vocabulary as isize])?;
        let (temperature, top_k) = match sampling {
            Sampling::Likeliest => return logits.argmax(Some(-1), true),
            Sampling::Drawn { temperature, top_k } => (temperature, top_k),
        };
        let mut scaled = logits.div(temperature)?;
        if let Some(k) = top_k {
            let k = k.clamp(1, vocabulary);
            let least = scaled.topk(k, -1, true)?.0.shrink_axes(&[None, Some((k - 1, k))])?;
            scaled = scaled.masked_fill(&scaled.lt(&least)?, f64::NEG_INFINITY)?;
        }
        scaled.softmax(-1)?.multinomial(1, false)
    }

    /// The length of tokens `[batch, length]`.
    fn length(&self, tokens: &Tensor, most: usize) -> Result<usize> {
        match tokens.shape()[..] {
            [_, length] if (1..=most).contains(&length) => Ok(length),
            _ => {
                let got = format!("tokens of shape {:?}", tokens.shape().as_slice());
                let expected = format!("[batch, length] of 1 to {} tokens", self.options.block_size);
                let fix = "cut them, or make the model with a larger block_size";
                Err(Error::shape("Gpt", got, expected, fix))
            }
        }
    }
}

impl Module for Gpt {
    fn forward(&self, tokens: &Tensor) -> Result<Tensor> {
        let length = self.length(tokens, self.options.block_size)?;
        let positions = self.wpe.weight.shrink_axes(&[Some((0, length)), None])?;
        let start = self.wte.forward(tokens)?.add(positions)?.dropout(self.options.embd_pdrop)?;
        let x = self.blocks.iter().try_fold(start, |x, block| block.forward(&x))?;
        self.lm_head.forward(&self.ln_f.forward(&x)?)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        let blocks = self.blocks.iter().enumerate().flat_map(|(i, block)| {
            block.tensors().into_iter().map(move |(name, t)| (format!("transformer.h.{i}.{name}"), t))
        });
        let first = inside([("transformer.wte", &self.wte as &dyn Module), ("transformer.wpe", &self.wpe)]);
        let last = inside([("transformer.ln_f", &self.ln_f as &dyn Module), ("lm_head", &self.lm_head)]);
        first.into_iter().chain(blocks).chain(last).collect()
    }
}
