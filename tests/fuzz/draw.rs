//! Draws programs: methods of the table with arguments of the types their rows name. A call that gives an error is
//! drawn again; a call that panics is a find.

use super::program::{Arg, Program, Step};
use playgrad::{DType, Tensor, methods::Value};
use serde_json::Value as Json;
use std::{fs, path::Path};

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub fn of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A row of the table.
pub struct Method {
    pub name: String,
    pub on_class: bool,
    /// Name, type (with `?` where none may be given), whether there is a default.
    pub args: Vec<(String, String, bool)>,
    random: bool,
}

pub fn methods() -> Vec<Method> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crate/methods");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let rows: Vec<Json> = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        for row in rows.iter().filter(|r| r["face"].is_null() && r["kind"].is_null()) {
            let name = row["name"].as_str().unwrap().to_string();
            let drawn = ["rand", "dropout", "multinomial", "bernoulli", "uniform", "normal"];
            all.push(Method {
                random: file.ends_with("random.json") || drawn.iter().any(|d| name.contains(d)),
                on_class: row["static"] == true,
                args: parameters(row["args"].as_str().unwrap_or("")),
                name,
            });
        }
    }
    all
}

fn parameters(text: &str) -> Vec<(String, String, bool)> {
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in text.chars() {
        depth += i32::from(matches!(c, '[' | '(')) - i32::from(matches!(c, ']' | ')'));
        if c == ',' && depth == 0 { parts.push(String::new()) } else { parts.last_mut().unwrap().push(c) }
    }
    let named = parts.iter().filter_map(|p| p.split_once(':'));
    named
        .map(|(name, rest)| {
            let kind = rest.split('=').next().unwrap().trim();
            (name.trim().to_string(), kind.to_string(), rest.contains('='))
        })
        .collect()
}

const MOST: usize = 3000;

fn shape(dice: &mut Dice) -> Vec<usize> {
    let size = |dice: &mut Dice| if dice.chance(40) { 0 } else { dice.of(&[1, 1, 2, 2, 3, 4, 5, 7, 8]) };
    (0..dice.of(&[0, 1, 1, 2, 2, 2, 3, 3, 4])).map(|_| size(dice)).collect()
}

fn leaf(dice: &mut Dice, shape: Vec<usize>, dtype: DType) -> Step {
    let odd = dice.chance(25);
    let specials =
        [0.0, -0.0, 1.0, -1.0, 0.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-20, 3e9, 1e38, -300.0];
    let grid = dice.chance(5);
    let value = |dice: &mut Dice| match dtype {
        DType::Bool => dice.below(2) as f32,
        d if d.is_float() && odd && dice.chance(3) => dice.of(&specials),
        d if d.is_float() && grid => dice.below(9) as f32 * 0.5 - 2.0,
        d if d.is_float() => (dice.unit() * 4.0 - 2.0) as f32,
        _ if odd => dice.of(&[0.0, 1.0, 255.0, 127.0, -128.0, -1.0, 65536.0, 2147483520.0, -2147483648.0]),
        d if d.name().starts_with('u') => dice.below(6) as f32,
        _ => dice.below(9) as f32 - 4.0,
    };
    let values = (0..shape.iter().product()).map(|_| value(dice)).collect();
    Step::Leaf { shape, dtype, values }
}

fn dtype(dice: &mut Dice, wide: bool) -> DType {
    if dice.below(10) < 7 {
        return DType::F32;
    }
    let fit: Vec<DType> = DType::ALL.into_iter().filter(|d| wide || d.size() <= 4).collect();
    dice.of(&fit)
}

/// What is drawn so far.
pub struct Draft<'a> {
    pub program: Program,
    made: Vec<Tensor>,
    dice: &'a mut Dice,
    wide: bool,
}

/// A program whose last call panics, and how.
pub type Panic = (Program, String);

/// A program of up to `length` calls, or one whose last call panics. `wide` dtypes have 8 bytes.
pub fn program(dice: &mut Dice, table: &[Method], length: usize, wide: bool) -> Result<Program, Panic> {
    let usable: Vec<&Method> = table.iter().filter(|m| !m.on_class && !m.random).collect();
    let mut draft = Draft { program: Program::default(), made: Vec::new(), dice, wide };
    for _ in 0..1 + draft.dice.below(3) {
        let (shape, dtype) = (shape(draft.dice), dtype(draft.dice, wide));
        draft.leaf(shape, dtype);
    }
    let mut calls = 0;
    for _ in 0..20 * length {
        if calls == length {
            break;
        }
        let method = usable[draft.dice.below(usable.len())];
        calls += usize::from(draft.call(method)?);
    }
    Ok(draft.program)
}

impl Draft<'_> {
    fn leaf(&mut self, shape: Vec<usize>, dtype: DType) -> usize {
        let step = leaf(self.dice, shape, dtype);
        let (tensor, _) = step.run(&self.made).expect("a leaf");
        self.program.steps.push(step);
        self.made.push(tensor);
        self.made.len() - 1
    }

    /// Adds a call; false where it gives an error or too much.
    fn call(&mut self, method: &Method) -> Result<bool, Panic> {
        let before = self.program.steps.len();
        // The latest value most often: programs grow deep.
        let this = if self.dice.chance(3) { self.dice.below(before) } else { before - 1 };
        let mut args = Vec::new();
        for (name, kind, has_default) in &method.args {
            if *has_default && !self.dice.chance(2) {
                continue;
            }
            let arg = if kind.ends_with('?') && self.dice.chance(4) {
                Arg::Plain(Value::None)
            } else {
                self.arg(name, kind.trim_end_matches('?'), this)
            };
            args.push((name.clone(), arg));
        }
        let pick = self.dice.below(3);
        let step = Step::Call { method: method.name.clone(), this, args, pick };
        let run = crate::caught(|| step.run(&self.made));
        let fits = |t: &Tensor| t.numel() <= MOST && t.ndim() <= 8 && (self.wide || t.dtype().size() <= 4);
        match run {
            Err(panic) => {
                self.program.steps.push(step);
                Err((self.program.cut(self.program.steps.len() - 1), panic))
            }
            Ok(Ok((tensor, _))) if fits(&tensor) => {
                self.program.steps.push(step);
                self.made.push(tensor);
                Ok(true)
            }
            Ok(_) => {
                self.program.steps.truncate(before);
                self.made.truncate(before);
                Ok(false)
            }
        }
    }

    fn tensor(&mut self, name: &str, this: usize) -> Arg {
        let (own, dtype) = (self.made[this].shape().to_vec(), self.made[this].dtype());
        let index = ["index", "indices", "target", "labels", "idx"].contains(&name) && !self.dice.chance(4);
        let last = own.last().copied().unwrap_or(1);
        let features = own.get(1).copied().unwrap_or(1);
        let small = |dice: &mut Dice| 1 + dice.below(3);
        let shape = match self.dice.below(9) {
            0 => return Arg::Made(self.dice.below(self.made.len())),
            1 => own.iter().map(|n| if self.dice.chance(2) { 1 } else { *n }).collect(),
            2 => vec![last],
            3 => vec![last, small(self.dice)],
            4 => vec![small(self.dice), last],
            5 => vec![small(self.dice), features, small(self.dice), small(self.dice)],
            6 => vec![features],
            7 => own.iter().take(1).copied().collect(),
            _ => own,
        };
        if shape.iter().product::<usize>() > MOST {
            return Arg::Made(this);
        }
        Arg::Made(self.leaf(shape, if index { DType::I32 } else { dtype }))
    }

    fn arg(&mut self, name: &str, kind: &str, this: usize) -> Arg {
        let shape = self.made[this].shape().to_vec();
        let rank = shape.len() as i64;
        let whole = |v: i64| Arg::Plain(Value::Int(v));
        let any_axis = |dice: &mut Dice| dice.below(2 * rank.max(1) as usize) as i64 - rank.max(1);
        let is_axis = name.contains("dim") || name.contains("ax");
        let list = |v: Vec<i64>| Arg::Plain(Value::List(v.into_iter().map(Value::Int).collect()));
        match kind {
            "tensor" => self.tensor(name, this),
            "operand" if self.dice.chance(2) => self.tensor(name, this),
            "tensors" => {
                let count = 1 + self.dice.below(2);
                Arg::List((0..count).map(|_| self.tensor(name, this)).collect())
            }
            "operand" | "number" | "float" if self.dice.chance(3) => whole(self.dice.below(7) as i64 - 3),
            "operand" | "number" | "float" => {
                let some = [0.0, 0.5, 1.0, -1.0, 1.5, 2.0, 1e-5, 0.1, 3.0, -0.25];
                Arg::Plain(Value::Float(self.dice.of(&some)))
            }
            "int" if is_axis => whole(any_axis(self.dice)),
            "int" => whole(self.dice.below(9) as i64 - 4),
            "size" => whole(self.dice.below(5) as i64),
            "bool" => Arg::Plain(Value::Bool(self.dice.chance(2))),
            "str" => Arg::Plain(Value::from(
                self.dice.of(&["mean", "sum", "constant", "prod", "amax", "amin", "none", "tanh"]),
            )),
            "dtype" => Arg::Plain(Value::DType(dtype(self.dice, self.wide))),
            "axes" => match self.dice.below(3) {
                0 => Arg::Plain(Value::None),
                1 => whole(any_axis(self.dice)),
                _ => list((0..rank).filter(|_| self.dice.chance(2)).collect()),
            },
            "any" if name == "mode" => {
                Arg::Plain(Value::from(self.dice.of(&["constant", "reflect", "replicate", "circular"])))
            }
            "any" => Arg::Plain(Value::None),
            "dims" | "ints" | "shape" | "sizes" => list(self.sizes(name, &shape)),
            "floats" => {
                Arg::Plain(Value::List(vec![Value::Float(self.dice.unit()), Value::Float(self.dice.unit())]))
            }
            "pads" if self.dice.chance(2) => list(shape.iter().map(|_| self.dice.below(3) as i64).collect()),
            "pairs" | "ranges" | "pads" => {
                let pair = |dice: &mut Dice, n: usize| {
                    let (a, b) = (dice.below(3), dice.below(3));
                    let ends = if name.contains("pad") {
                        [a, b]
                    } else {
                        [a.min(n), n.saturating_sub(b).max(a.min(n))]
                    };
                    Value::List(ends.map(|v| Value::Int(v as i64)).to_vec())
                };
                Arg::Plain(Value::List(shape.iter().map(|n| pair(self.dice, *n)).collect()))
            }
            "slices" | "index" => self.index(kind == "index", &shape),
            other => panic!("the table has a type `{other}` that the fuzzer does not draw"),
        }
    }

    fn sizes(&mut self, name: &str, shape: &[usize]) -> Vec<i64> {
        let rank = shape.len();
        if ["kernel_size", "stride", "padding", "dilation"].contains(&name) {
            return (0..self.dice.of(&[1, 2, 2])).map(|_| self.dice.of(&[0, 1, 1, 2, 2, 3])).collect();
        }
        match self.dice.below(4) {
            // An order of the axes.
            0 => {
                let mut order: Vec<i64> = (0..rank as i64).collect();
                (1..rank).rev().for_each(|i| order.swap(i, self.dice.below(i + 1)));
                order
            }
            // As many elements in another shape.
            1 => {
                let mut left: usize = shape.iter().product();
                let mut out = Vec::new();
                while left > 1 && out.len() < 4 {
                    let fit: Vec<usize> = (1..=left.min(9)).filter(|d| left.is_multiple_of(*d)).collect();
                    let size = self.dice.of(&fit);
                    out.push(size as i64);
                    left /= size;
                }
                out.push(if self.dice.chance(2) { -1 } else { left as i64 });
                out
            }
            // Axes of one element grown.
            2 => shape
                .iter()
                .map(|n| if *n == 1 { 1 + self.dice.below(4) as i64 } else { *n as i64 })
                .collect(),
            _ => (0..rank).map(|_| 1 + self.dice.below(3) as i64).collect(),
        }
    }

    fn index(&mut self, full: bool, shape: &[usize]) -> Arg {
        let mut parts = Vec::new();
        for n in shape.iter().take(self.dice.below(shape.len() + 1)) {
            let n = *n as i64;
            let place = |dice: &mut Dice| Value::Int(dice.below(2 * n.max(1) as usize) as i64 - n);
            parts.push(match self.dice.below(if full { 7 } else { 3 }) {
                0 => Arg::Plain(place(self.dice)),
                1 | 2 => {
                    let end = |dice: &mut Dice| if dice.chance(3) { Value::None } else { place(dice) };
                    let ends =
                        vec![end(self.dice), end(self.dice), Value::Int(self.dice.of(&[1, 1, 2, -1, -2, 3]))];
                    Arg::Plain(Value::List(ends))
                }
                3 => Arg::Plain(Value::None),
                4 => Arg::Plain(Value::from("...")),
                5 => Arg::Made(self.leaf(vec![2], DType::I32)),
                _ => Arg::Plain(Value::from(":")),
            });
        }
        Arg::List(parts)
    }
}

/// An argument of the right type, sensible or not.
pub fn wild(dice: &mut Dice, kind: &str) -> Value {
    let whole =
        [0, 1, -1, 2, 3, -4, 7, 255, 1 << 20, i64::from(i32::MAX), i64::from(i32::MIN), 1 << 40, i64::MAX];
    let int = |dice: &mut Dice| if dice.chance(4) { dice.of(&whole) } else { dice.below(9) as i64 - 3 };
    let float = |dice: &mut Dice| dice.of(&[0.0, -1.5, 1e-9, 1e30, f64::NAN, f64::INFINITY, 0.3, 1.0]);
    let list = |dice: &mut Dice, item: &dyn Fn(&mut Dice) -> Value| {
        Value::List((0..dice.below(5)).map(|_| item(dice)).collect())
    };
    match kind.trim_end_matches('?') {
        "tensor" => Value::Tensor(tensor(dice)),
        "operand" | "number" => match dice.below(3) {
            0 => Value::Tensor(tensor(dice)),
            1 => Value::Int(int(dice)),
            _ => Value::Float(float(dice)),
        },
        "float" => Value::Float(float(dice)),
        "int" => Value::Int(int(dice)),
        "size" => Value::Int(int(dice).max(0)),
        "bool" => Value::Bool(dice.chance(2)),
        "dtype" => Value::DType(dice.of(&DType::ALL)),
        "shape" | "sizes" => list(dice, &|dice| Value::Int(int(dice).max(0))),
        "axes" | "ints" | "dims" => list(dice, &|dice| Value::Int(int(dice))),
        "floats" => list(dice, &|dice| Value::Float(float(dice))),
        "tensors" => list(dice, &|dice| Value::Tensor(tensor(dice))),
        "pairs" => {
            list(dice, &|dice| Value::List([int(dice), int(dice)].map(|v| Value::Int(v.max(0))).to_vec()))
        }
        "slices" | "index" => list(dice, &|dice| match dice.below(3) {
            0 => Value::Int(int(dice)),
            1 => Value::List([int(dice), int(dice), int(dice)].map(Value::Int).to_vec()),
            _ => nonsense(dice, 1),
        }),
        _ => nonsense(dice, 1),
    }
}

/// An argument of any type at all.
pub fn nonsense(dice: &mut Dice, depth: usize) -> Value {
    let wild =
        [0, 1, -1, 2, 3, -7, 255, 1 << 20, i32::MAX as i64, i32::MIN as i64, 1 << 40, i64::MAX, i64::MIN];
    match dice.below(if depth == 0 { 8 } else { 12 }) {
        0 => Value::None,
        1 => Value::Bool(dice.chance(2)),
        2 | 3 => Value::Int(dice.of(&wild)),
        4 => Value::Float(dice.of(&[0.0, -1.5, 1e-9, 1e30, f64::NAN, f64::INFINITY, 0.3])),
        5 => Value::from(dice.of(&["", "sum", "float32", "...", "1:2", "ij,jk->ik", "ab->", "δ"])),
        6 => Value::DType(dice.of(&DType::ALL)),
        7 => Value::Tensor(tensor(dice)),
        _ => Value::List((0..dice.below(4)).map(|_| nonsense(dice, depth - 1)).collect()),
    }
}

pub fn tensor(dice: &mut Dice) -> Tensor {
    let (shape, dtype) = (shape(dice), dtype(dice, true));
    leaf(dice, shape, dtype).run(&[]).expect("a leaf").0
}
