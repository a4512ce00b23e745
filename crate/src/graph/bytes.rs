//! Graphs as bytes, for another engine to build again through the same constructors. Values are never part of them:
//! leaves go by their place in a list that both sides share.
//!
//! Everything is an unsigned LEB128 number: [`VERSION`], the leaves, the nodes, the places of the outputs. A list
//! begins with its length. A leaf is dtype and shape; a node is op, dtype, shape, how far back each source lies, and
//! the op's arguments.

use super::{Axes, Binary, DType, Node, Op, Pairs, Reduce, Scan, Shape, Unary, Window, verify, walk};
use crate::error::{Error, Result};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

const VERSION: u64 = 1;

const UNARY: [Unary; 8] =
    [Unary::Neg, Unary::Recip, Unary::Sqrt, Unary::Exp2, Unary::Log2, Unary::Sin, Unary::Trunc, Unary::Not];
const BINARY: [Binary; 14] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::IDiv,
    Binary::Mod,
    Binary::Max,
    Binary::Lt,
    Binary::Eq,
    Binary::And,
    Binary::Or,
    Binary::Xor,
    Binary::Shl,
    Binary::Shr,
];
const REDUCE: [Reduce; 3] = [Reduce::Sum, Reduce::Max, Reduce::Prod];
const SCAN: [Scan; 2] = [Scan::Linear, Scan::Max];

type Numbers = SmallVec<[u64; 8]>;

/// An op's number and arguments; `None` for those that are no part of a written graph.
fn parts(op: &Op) -> Option<(u64, Numbers)> {
    fn at<T: PartialEq>(list: &[T], one: &T) -> u64 {
        list.iter().position(|x| x == one).unwrap_or(0) as u64
    }
    let numbers = |list: &[usize]| list.iter().map(|n| *n as u64).collect::<Numbers>();
    let first = |one: u64, rest: &[usize]| {
        let mut all = numbers(rest);
        all.insert(0, one);
        all
    };
    let pairs = |list: &Pairs| list.iter().flat_map(|(a, b)| [*a as u64, *b as u64]).collect::<Numbers>();
    let window = |w: &Window| numbers(&[w.axis, w.size, w.stride, w.dilation]);
    Some(match op {
        Op::Const(bits) => (0, SmallVec::from_slice(&[*bits])),
        Op::Iota => (1, SmallVec::new()),
        Op::Unary(op) => (2, first(at(&UNARY, op), &[])),
        Op::Binary(op) => (3, first(at(&BINARY, op), &[])),
        Op::Where => (4, SmallVec::new()),
        Op::Cast => (5, SmallVec::new()),
        Op::Bitcast => (6, SmallVec::new()),
        Op::Reduce(op, axes) => (7, first(at(&REDUCE, op), axes)),
        Op::Scan(op, axis) => (8, first(at(&SCAN, op), &[*axis])),
        Op::Reshape => (9, SmallVec::new()),
        Op::Permute(axes) => (10, numbers(axes)),
        Op::Expand => (11, SmallVec::new()),
        Op::Pad(list) => (12, pairs(list)),
        Op::Shrink(list) => (13, pairs(list)),
        Op::Flip(axes) => (14, numbers(axes)),
        Op::Window(w) => (15, window(w)),
        Op::Unwindow(w) => (16, window(w)),
        Op::Gather => (17, SmallVec::new()),
        Op::Contiguous => (18, SmallVec::new()),
        // Read by nobody: a kernel's source is no part of a written graph.
        Op::Custom(_) => (19, SmallVec::new()),
        Op::Buffer(_) | Op::Mark(_) | Op::After => return None,
    })
}

fn op(number: u64, args: &[u64]) -> Option<Op> {
    fn of<T: Copy>(list: &[T], at: Option<&u64>) -> Option<T> {
        list.get(usize::try_from(*at?).ok()?).copied()
    }
    let sizes = |list: &[u64]| list.iter().map(|n| *n as usize).collect::<Axes>();
    let pairs = || {
        let pair = |two: &[u64]| (two[0] as usize, two[1] as usize);
        args.len().is_multiple_of(2).then(|| args.chunks(2).map(pair).collect::<Pairs>())
    };
    let window = || match sizes(args)[..] {
        [axis, size, stride, dilation] => Some(Window { axis, size, stride, dilation }),
        _ => None,
    };
    Some(match number {
        0 => Op::Const(*args.first()?),
        1 => Op::Iota,
        2 => Op::Unary(of(&UNARY, args.first())?),
        3 => Op::Binary(of(&BINARY, args.first())?),
        4 => Op::Where,
        5 => Op::Cast,
        6 => Op::Bitcast,
        7 => Op::Reduce(of(&REDUCE, args.first())?, sizes(&args[1..])),
        8 => Op::Scan(of(&SCAN, args.first())?, *args.get(1)? as usize),
        9 => Op::Reshape,
        10 => Op::Permute(sizes(args)),
        11 => Op::Expand,
        12 => Op::Pad(pairs()?),
        13 => Op::Shrink(pairs()?),
        14 => Op::Flip(sizes(args)),
        15 => Op::Window(window()?),
        16 => Op::Unwindow(window()?),
        17 => Op::Gather,
        18 => Op::Contiguous,
        _ => return None,
    })
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn list(out: &mut Vec<u8>, values: impl ExactSizeIterator<Item = u64>) {
    number(out, values.len() as u64);
    values.for_each(|value| number(out, value));
}

fn kind(out: &mut Vec<u8>, node: &Node) {
    number(out, DType::ALL.iter().position(|d| *d == node.dtype).unwrap_or(0) as u64);
    list(out, node.shape.iter().map(|n| *n as u64));
}

/// The graph of `outputs` over `leaves`, and the further leaves it reads, which follow those in the list. Marks are
/// left out: what they say of gradients stays here.
pub fn write_graph(outputs: &[Node], leaves: &[Node]) -> (Vec<u8>, Vec<Node>) {
    let given: FxHashMap<u64, usize> = leaves.iter().enumerate().map(|(i, n)| (n.id, i)).collect();
    let ends = |n: &Node| given.contains_key(&n.id) || n.is_realized() || matches!(n.op, Op::Buffer(_));
    let order = walk(outputs, |n| !ends(n));
    let rest: Vec<Node> = order.iter().filter(|n| ends(n) && !given.contains_key(&n.id)).cloned().collect();
    let mut out = Vec::new();
    number(&mut out, VERSION);
    number(&mut out, (leaves.len() + rest.len()) as u64);
    leaves.iter().chain(&rest).for_each(|leaf| kind(&mut out, leaf));
    let mut places = given;
    rest.iter().for_each(|n| {
        places.insert(n.id, places.len());
    });
    let (mut nodes, mut count) = (Vec::new(), 0);
    let start = leaves.len() + rest.len();
    for node in &order {
        if places.contains_key(&node.id) {
            continue;
        }
        let Some((op, args)) = parts(&node.op) else {
            let value = places[&node.src[0].id];
            places.insert(node.id, value);
            continue;
        };
        let place = start + count;
        number(&mut nodes, op);
        kind(&mut nodes, node);
        list(&mut nodes, node.src.iter().map(|s| (place - places[&s.id]) as u64));
        list(&mut nodes, args.into_iter());
        places.insert(node.id, place);
        count += 1;
    }
    number(&mut out, count as u64);
    out.extend(nodes);
    list(&mut out, outputs.iter().map(|n| places[&n.id] as u64));
    (out, rest)
}

/// The outputs of a written graph over these leaves.
///
/// # Errors
/// `Data` for bytes that are no graph, `Shape` for leaves that are not as they were.
pub fn read_graph(bytes: &[u8], leaves: &[Node]) -> Result<Vec<Node>> {
    let damaged = || {
        let got = format!("{} bytes that are no graph", bytes.len());
        Error::data("graph", got, "what this version of playgrad writes", "make it again")
    };
    let mut from = Reader(bytes);
    let count = (from.next() == Some(VERSION)).then(|| from.size()).flatten().ok_or_else(damaged)?;
    if count != leaves.len() {
        let got = format!("{} tensors", leaves.len());
        return Err(Error::argument("graph", got, format!("{count}"), "give each leaf"));
    }
    for leaf in leaves {
        let (dtype, shape) = from.kind().ok_or_else(damaged)?;
        if leaf.dtype != dtype || leaf.shape != shape {
            let got = format!("{} {:?}", leaf.dtype, leaf.shape.as_slice());
            let expected = format!("{dtype} {:?}", shape.as_slice());
            return Err(Error::shape("graph", got, expected, "keep shapes and dtypes"));
        }
    }
    from.graph(leaves).filter(|_| from.0.is_empty()).ok_or_else(damaged)
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn next(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn size(&mut self) -> Option<usize> {
        self.next().filter(|n| *n <= i32::MAX as u64).map(|n| n as usize)
    }

    /// A list's length: each item takes a byte or more.
    fn count(&mut self) -> Option<usize> {
        self.size().filter(|n| *n <= self.0.len())
    }

    fn kind(&mut self) -> Option<(DType, Shape)> {
        let dtype = *DType::ALL.get(self.size()?)?;
        Some((dtype, (0..self.count()?).map(|_| self.size()).collect::<Option<_>>()?))
    }

    fn graph(&mut self, leaves: &[Node]) -> Option<Vec<Node>> {
        let mut nodes = leaves.to_vec();
        for _ in 0..self.count()? {
            let number = self.next()?;
            let (dtype, shape) = self.kind()?;
            let source = |back: usize| nodes.get(nodes.len().checked_sub(back)?).cloned();
            let src: Option<SmallVec<[Node; 3]>> = (0..self.count()?).map(|_| source(self.size()?)).collect();
            let src = src?;
            let args = self.args(number == 0)?;
            let op = op(number, &args)?;
            verify::check(&op, &src, &shape, dtype).ok()?;
            nodes.push(Node::new(op, &src, shape, dtype));
        }
        (0..self.count()?).map(|_| nodes.get(self.size()?).cloned()).collect()
    }

    fn args(&mut self, wide: bool) -> Option<Numbers> {
        (0..self.count()?).map(|_| if wide { self.next() } else { self.size().map(|n| n as u64) }).collect()
    }
}
