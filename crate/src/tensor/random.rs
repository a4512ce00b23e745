//! Random numbers: threefry2x32 over a counter, made of primitives, so every device draws the same. Keys,
//! counters and distributions are tinygrad's, so the same seed gives its numbers.

use super::{Tensor, build, shape};
use crate::{
    error::{Error, Result},
    graph::{Binary, DType, Leaf, Node, Shape},
    schedule::capture::{self, State},
};
use std::{
    cell::{Cell, RefCell},
    f64::consts::PI,
    rc::Rc,
};

/// The low word of sha256(0), tinygrad's key for the first device.
const KEY: u32 = 0x14b8_1119;
const PARITY: u32 = 0x1bd1_1bda;
const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];

/// Draws that share one input.
const DRAWS: usize = 16;

/// The draws between two computations. Each has its own key, made from seed and counter; the keys are one live
/// input, so that every training step builds the same graph.
struct Epoch {
    base: Rc<Cell<(u32, u64)>>,
    /// Where each draw starts, counted from the base, and where the next would.
    starts: Rc<RefCell<Vec<u64>>>,
    next: Cell<u64>,
    /// Whether a computation has read the keys.
    used: Rc<Cell<bool>>,
    input: Node,
}

struct Generator {
    seed: u32,
    counter: u64,
    epoch: Option<Rc<Epoch>>,
}

thread_local! {
    static GENERATOR: RefCell<Generator> = const { RefCell::new(Generator { seed: 0, counter: 0, epoch: None }) };
}

/// Starts the random numbers over: the same seed gives the same numbers on every device.
pub fn manual_seed(seed: u32) {
    GENERATOR.set(Generator { seed, counter: 0, epoch: None });
}

pub(super) fn end_epoch() {
    GENERATOR.with_borrow_mut(|g| g.epoch = None);
}

/// A captured step draws new numbers each time it runs again.
impl State for Epoch {
    fn node(&self) -> Node {
        if self.used.replace(false) {
            GENERATOR.with_borrow_mut(|g| {
                self.base.set((g.seed, g.counter));
                g.counter += self.next.get();
            });
        }
        self.input.clone()
    }

    fn set_node(&self, _node: Node) {}
}

impl Epoch {
    fn new(seed: u32, counter: u64) -> Rc<Epoch> {
        let base = Rc::new(Cell::new((seed, counter)));
        let (starts, used): (Rc<RefCell<Vec<u64>>>, Rc<Cell<bool>>) = Default::default();
        let (from, offsets, mark) = (base.clone(), starts.clone(), used.clone());
        let refresh = move || {
            mark.set(true);
            let (seed, base) = from.get();
            let mut words = vec![0; 2 * DRAWS];
            for (pair, offset) in words.chunks_exact_mut(2).zip(offsets.borrow().iter()) {
                pair.copy_from_slice(&draw_key(seed, base + offset));
            }
            bytemuck::cast_slice(&words).to_vec()
        };
        let leaf = Leaf { refresh: Some(Box::new(refresh)), ..Leaf::default() };
        let input = Node::leaf(leaf, Shape::from_slice(&[2 * DRAWS]), DType::U32);
        let epoch = Rc::new(Epoch { base, starts, next: Cell::new(0), used, input });
        capture::note_state(&epoch.input, epoch.clone());
        epoch
    }
}

/// The key of the draw that starts at `counter`.
fn draw_key(seed: u32, counter: u64) -> [u32; 2] {
    threefry_host([counter as u32, (counter >> 32) as u32], [KEY, seed])
}

/// Takes `n` counters: the epoch's keys, and which of them is this draw's.
fn draw(n: usize) -> (Node, usize) {
    GENERATOR.with_borrow_mut(|g| {
        let (seed, counter) = (g.seed, g.counter);
        g.counter += n as u64;
        let epoch = match &g.epoch {
            Some(epoch) if epoch.starts.borrow().len() < DRAWS => epoch,
            _ => g.epoch.insert(Epoch::new(seed, counter)),
        };
        let mut starts = epoch.starts.borrow_mut();
        starts.push(epoch.next.replace(epoch.next.get() + n as u64));
        (epoch.input.clone(), starts.len() - 1)
    })
}

fn word(value: u32, shape: &[usize]) -> Node {
    Node::constant(value.into(), Shape::from_slice(shape), DType::U32)
}

/// Threefry2x32 with 20 rounds (Salmon et al. 2011).
fn threefry(mut x: [Node; 2], key: [Node; 2]) -> [Node; 2] {
    let shape = x[0].shape.clone();
    let binary = |op, a: &Node, b: &Node| build::binary(op, a, b);
    let rotate = |v: &Node, by: u32| {
        let left = binary(Binary::Shl, v, &word(by, &shape));
        binary(Binary::Or, &left, &binary(Binary::Shr, v, &word(32 - by, &shape)))
    };
    let mixed = binary(Binary::Xor, &binary(Binary::Xor, &key[0], &key[1]), &word(PARITY, &shape));
    let keys = [key[0].clone(), key[1].clone(), mixed];
    x = [build::add(&x[0], &keys[0]), build::add(&x[1], &keys[1])];
    for group in 0..5 {
        for by in ROTATIONS[group % 2] {
            x[0] = build::add(&x[0], &x[1]);
            x[1] = binary(Binary::Xor, &x[0], &rotate(&x[1], by));
        }
        let second = build::add(&keys[(group + 2) % 3], &word(group as u32 + 1, &shape));
        x = [build::add(&x[0], &keys[(group + 1) % 3]), build::add(&x[1], &second)];
    }
    x
}

/// The same on the host.
fn threefry_host(mut x: [u32; 2], key: [u32; 2]) -> [u32; 2] {
    let keys = [key[0], key[1], key[0] ^ key[1] ^ PARITY];
    x = [x[0].wrapping_add(keys[0]), x[1].wrapping_add(keys[1])];
    for group in 0..5 {
        for by in ROTATIONS[group % 2] {
            x[0] = x[0].wrapping_add(x[1]);
            x[1] = x[0] ^ x[1].rotate_left(by);
        }
        let second = keys[(group + 2) % 3].wrapping_add(group as u32 + 1);
        x = [x[0].wrapping_add(keys[(group + 1) % 3]), x[1].wrapping_add(second)];
    }
    x
}

/// `n` random words: word `i` is the first of block `i`, and past the half the second of block `i - half`.
fn bits(n: usize) -> Node {
    let (keys, at) = draw(n);
    let half = n.div_ceil(2);
    let i = Node::iota(n);
    let first = build::lt(&i, &build::like(&i, half as f64));
    let block = build::cast(&build::select(&first, &i, &build::offset(&i, -(half as f64))), DType::U32);
    let high = build::add(&block, &word(half as u32, &[n]));
    let key = [build::scalar_at(&keys, 2 * at, &[n]), build::scalar_at(&keys, 2 * at + 1, &[n])];
    let [a, b] = threefry([block, high], key);
    build::select(&first, &a, &b)
}

/// Float32 in `[0, 1)`, computed once.
fn unit(shape: &Shape) -> Node {
    build::contiguous(&draws(shape))
}

/// Float32 in `[0, 1)`: 23 random bits under the exponent of 1, minus 1. For those who store what they make of them.
fn draws(shape: &Shape) -> Node {
    let n: usize = shape.iter().product();
    if n == 0 {
        return Node::constant(0.0, shape.clone(), DType::F32);
    }
    let bits = bits(n);
    let mantissa = build::binary(Binary::Shr, &bits, &word(9, &[n]));
    let float = build::binary(Binary::Or, &mantissa, &word(1f32.to_bits(), &[n]));
    let unit = build::offset(&build::bitcast(&float, DType::F32), -1.0);
    build::reshape(&unit, shape)
}

/// 16-bit floats in `[0, 1)`, two of each word: the upper `digits` bits of either half over `2^digits`.
fn half_draws(shape: &Shape, dtype: DType, digits: u32) -> Node {
    let n: usize = shape.iter().product();
    if n == 0 {
        return Node::constant(0.0, shape.clone(), dtype);
    }
    let both = [n.div_ceil(2), 2];
    let words = build::expand(&build::reshape(&bits(both[0]), &[both[0], 1]), &both);
    let place = build::iota_along(&both, 1, DType::I32);
    let is_low = build::eq(&place, &build::like(&place, 0.0));
    let lifted = build::binary(Binary::Shl, &words, &word(16, &both));
    let half = build::select(&is_low, &lifted, &words);
    let top = build::binary(Binary::Shr, &half, &word(32 - digits, &both));
    let unit = build::scale(&build::cast(&top, DType::F32), 0.5f64.powi(digits as i32));
    let line = build::reshape(&build::cast(&unit, dtype), &[2 * both[0]]);
    build::contiguous(&build::reshape(&build::shrink(&line, smallvec::smallvec![(0, n)]), shape))
}

/// The numbers of [`Tensor::uniform`], drawn on the host: parameters start as plain data.
pub(crate) fn host_uniform(shape: &[usize], low: f64, high: f64) -> Result<Tensor> {
    let n: usize = shape::checked("uniform", shape)?.iter().product();
    let key = GENERATOR.with_borrow_mut(|g| {
        let key = draw_key(g.seed, g.counter);
        g.counter += n as u64;
        g.epoch = None;
        key
    });
    let half = n.div_ceil(2);
    let mut values = vec![0f32; n];
    for i in 0..half {
        let words = threefry_host([i as u32, (i + half) as u32], key);
        for (at, word) in [i, i + half].into_iter().zip(words) {
            if at < n {
                let unit = f32::from_bits((word >> 9) | 1f32.to_bits()) - 1.0;
                values[at] = unit * (high - low) as f32 + low as f32;
            }
        }
    }
    Tensor::from_slice(&values, shape)
}

fn numel(op: &str, shape: &[usize]) -> Result<Shape> {
    let shape = shape::checked(op, shape)?;
    if shape.iter().product::<usize>() <= i32::MAX as usize {
        return Ok(shape);
    }
    let got = format!("shape {:?}", shape.as_slice());
    Err(Error::shape(op, got, "at most 2^31 elements", "use a smaller shape"))
}

impl Tensor {
    /// Float32, uniform in `[0, 1)`.
    pub fn rand(shape: &[usize]) -> Result<Tensor> {
        Ok(Tensor::from_node(unit(&numel("rand", shape)?)))
    }

    /// [`Tensor::rand`] in another float dtype; 16-bit floats take half as many random bits.
    pub fn rand_of(shape: &[usize], dtype: DType) -> Result<Tensor> {
        let checked = numel("rand", shape)?;
        match dtype {
            DType::F32 => Self::rand(shape),
            DType::F16 => Ok(Tensor::from_node(half_draws(&checked, dtype, 10))),
            DType::BF16 => Ok(Tensor::from_node(half_draws(&checked, dtype, 7))),
            _ => {
                let expected = "float32, float16 or bfloat16";
                Err(Error::dtype("rand", dtype.name(), expected, "draw float32 and cast"))
            }
        }
    }

    /// `num_samples` positions drawn with the weights of this vector or of each row, int32, each anew; without
    /// `replacement` no position twice (Efraimidis and Spirakis 2006).
    pub fn multinomial(&self, num_samples: usize, replacement: bool) -> Result<Tensor> {
        let op = "multinomial";
        if !(1..=2).contains(&self.ndim()) || self.numel() == 0 {
            let got = format!("shape {:?}", self.shape().as_slice());
            return Err(Error::shape(op, got, "weights [n] or [rows, n]", "reshape the weights"));
        }
        let weights = if self.ndim() == 1 { self.unsqueeze(0)? } else { self.clone() };
        let (rows, n) = (weights.shape()[0], weights.shape()[1]);
        if num_samples == 0 || (!replacement && num_samples > n) {
            let got = format!("{num_samples} samples of {n} weights");
            let expected = "at least one sample, and without replacement at most as many as weights";
            return Err(Error::argument(op, got, expected, "pass replacement, or draw fewer"));
        }
        let places = if replacement || num_samples == 1 {
            let sums = weights.float()?.cumsum(1)?;
            let shares = sums.div(sums.shrink(&[(0, rows), (n - 1, n)])?)?;
            let drawn = Self::rand(&[num_samples, rows, 1])?;
            drawn.ge(&shares)?.int()?.sum(2, false)?.transpose(0, 1)?
        } else {
            let keys = Self::rand(&[rows, n])?.log2()?.div(&weights)?;
            order(&keys.neg()?)?.shrink(&[(0, rows), (0, num_samples)])?
        };
        let places = if self.ndim() == 1 { places.squeeze(Some(0))? } else { places };
        places.int()
    }

    /// The numbers from 0 to `n - 1` in random order, int32.
    pub fn randperm(n: usize) -> Result<Tensor> {
        order(&Self::rand(&[1, n])?)?.reshape(&[n as isize])
    }

    /// Float32, normal with mean 0 and variance 1 (Box-Muller).
    pub fn randn(shape: &[usize]) -> Result<Tensor> {
        let both: Shape = std::iter::once(2).chain(numel("randn", shape)?).collect();
        let u = Tensor::from_node(unit(&numel("randn", &both)?));
        let row = |i| u.slice(&[super::Slice::At(i)]);
        let angle = row(0)?.mul(2.0 * PI)?.cos()?;
        let radius = row(1)?.ones_like()?.sub(row(1)?)?.log()?.mul(-2.0)?.sqrt()?;
        angle.mul(radius)
    }

    /// Float32, uniform in `[low, high)`.
    pub fn uniform(shape: &[usize], low: f64, high: f64) -> Result<Tensor> {
        if low.is_nan() || high.is_nan() || low > high {
            let got = format!("low {low}, high {high}");
            return Err(Error::argument("uniform", got, "low up to high", "swap the bounds"));
        }
        Self::rand(shape)?.mul(high - low)?.add(low)
    }

    /// Int32, uniform in `low..high`.
    pub fn randint(shape: &[usize], low: i32, high: i32) -> Result<Tensor> {
        if high <= low {
            let got = format!("low {low}, high {high}");
            return Err(Error::argument("randint", got, "low below high", "swap or widen the bounds"));
        }
        let width = f64::from(high) - f64::from(low);
        let unit = Tensor::from_node(draws(&numel("randint", shape)?));
        let whole = unit.mul(width)?.cast(DType::I32)?.add(low)?;
        Ok(Tensor::from_node(build::contiguous(&whole.node())))
    }

    /// Float32, normal with that mean and standard deviation.
    pub fn normal(shape: &[usize], mean: f64, std: f64) -> Result<Tensor> {
        if std.is_nan() || std < 0.0 {
            return Err(Error::argument(
                "normal",
                format!("std {std}"),
                "a std of at least 0",
                "pass its size",
            ));
        }
        Self::randn(shape)?.mul(std)?.add(mean)
    }

    /// Uniform in `±1/√n`, with `n` the number of elements.
    pub fn scaled_uniform(shape: &[usize]) -> Result<Tensor> {
        let n: usize = shape::checked("scaled_uniform", shape)?.iter().product();
        Self::uniform(shape, -1.0, 1.0)?.mul((n.max(1) as f64).powf(-0.5))
    }

    /// Normal with variance `2 / ((1 + slope²)·fan_in)` (He et al. 2015), as [`Tensor::kaiming_uniform`].
    pub fn kaiming_normal(shape: &[usize], slope: f64) -> Result<Tensor> {
        let fan_in: f64 = shape.iter().skip(1).map(|n| *n as f64).product();
        Self::normal(shape, 0.0, (2.0 / (1.0 + slope * slope) / fan_in.max(1.0)).sqrt())
    }

    /// Uniform in `±√(6 / ((1 + slope²)·fan_in))` (He et al. 2015); the fan-in is the product of all sizes but the
    /// first. tinygrad's slope is 0.01.
    pub fn kaiming_uniform(shape: &[usize], slope: f64) -> Result<Tensor> {
        let fan_in: f64 = shape.iter().skip(1).map(|n| *n as f64).product();
        let bound = (6.0 / (1.0 + slope * slope) / fan_in.max(1.0)).sqrt();
        Self::uniform(shape, -bound, bound)
    }

    /// Uniform in `±√(6 / (first + rest))`, the first size and the product of the others (Glorot and Bengio 2010).
    pub fn glorot_uniform(shape: &[usize]) -> Result<Tensor> {
        let bound = glorot_bound(shape);
        Self::uniform(shape, -bound, bound)
    }

    /// While training, zeroes each element with probability `p` and scales the others by `1/(1-p)`.
    pub fn dropout(&self, p: f64) -> Result<Tensor> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::argument("dropout", p.to_string(), "a probability from 0 to 1", "pass 0.5"));
        }
        if !Tensor::training() || p == 0.0 {
            return Ok(self.clone());
        }
        if p == 1.0 {
            return self.zeros_like();
        }
        let kept = Tensor::from_node(draws(&numel("dropout", &self.shape())?)).ge(p)?.contiguous();
        kept.where_(self.float()?, 0.0)?.mul(1.0 / (1.0 - p))
    }
}

/// The positions of `[rows, n]` numbers in ascending order, equal ones as they stand, by counting what comes before.
fn order(x: &Tensor) -> Result<Tensor> {
    let n = x.shape()[1];
    let (own, other) = (x.unsqueeze(2)?, x.unsqueeze(1)?);
    let line = Tensor::arange(0.0, n as f64, 1.0, DType::I32)?;
    let earlier = line.unsqueeze(0)?.lt(line.unsqueeze(1)?)?;
    let before = other.lt(&own)?.bitwise_or(other.eq(&own)?.bitwise_and(earlier)?)?;
    let rank = before.int()?.sum(2, false)?;
    rank.unsqueeze(1)?.eq(line.unsqueeze(1)?)?.where_(line.unsqueeze(0)?, 0)?.sum(2, false)
}

pub(crate) fn glorot_bound(shape: &[usize]) -> f64 {
    let first = shape.first().copied().unwrap_or(1);
    let rest: f64 = shape.iter().skip(1).map(|n| *n as f64).product();
    (6.0 / (first as f64 + rest)).sqrt()
}
