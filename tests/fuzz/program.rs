//! A program: leaves and calls of the table's methods. It runs on any device, prints as code, and can be cut to what
//! one value needs.

use playgrad::{
    DType, Error, Result, Tensor,
    methods::{self, Value},
    tensor::{block_on, realize_all},
};
use std::fmt::Write;

#[derive(Clone)]
pub enum Arg {
    /// A value of the program.
    Made(usize),
    List(Vec<Arg>),
    Plain(Value),
}

#[derive(Clone)]
pub enum Step {
    Leaf {
        shape: Vec<usize>,
        dtype: DType,
        values: Vec<f32>,
    },
    /// The `pick`-th tensor that a method gives.
    Call {
        method: String,
        this: usize,
        args: Vec<(String, Arg)>,
        pick: usize,
    },
}

#[derive(Clone, Default)]
pub struct Program {
    pub steps: Vec<Step>,
}

/// What a run gives: each value nobody else reads, then the gradients of the float leaves.
pub struct Run {
    pub values: Vec<(DType, Vec<f64>)>,
}

/// Rounding errors made visible: float values move by about what rounding may move them, equal ones alike, and those
/// that a device may take for 0 become 0.
#[derive(Clone, Copy)]
pub struct Noise(pub f64);

impl Arg {
    fn value(&self, made: &[Tensor]) -> Value {
        match self {
            Arg::Made(i) => Value::Tensor(made[*i].clone()),
            Arg::List(list) => Value::List(list.iter().map(|a| a.value(made)).collect()),
            Arg::Plain(v) => v.clone(),
        }
    }

    fn reads(&self, into: &mut Vec<usize>) {
        match self {
            Arg::Made(i) => into.push(*i),
            Arg::List(list) => list.iter().for_each(|a| a.reads(into)),
            Arg::Plain(_) => {}
        }
    }

    fn renumber(&mut self, to: &[usize]) {
        match self {
            Arg::Made(i) => *i = to[*i],
            Arg::List(list) => list.iter_mut().for_each(|a| a.renumber(to)),
            Arg::Plain(_) => {}
        }
    }

    fn code(&self) -> String {
        match self {
            Arg::Made(i) => format!("Value::from(&t{i})"),
            Arg::List(list) => {
                let items: Vec<_> = list.iter().map(Arg::code).collect();
                format!("Value::List(vec![{}])", items.join(", "))
            }
            Arg::Plain(v) => code(v),
        }
    }
}

fn code(value: &Value) -> String {
    match value {
        Value::None => "Value::None".into(),
        Value::Bool(v) => format!("Value::Bool({v})"),
        Value::Int(v) => format!("Value::Int({v})"),
        Value::Float(v) => format!("Value::Float({})", number(*v, "f64")),
        Value::Str(v) => format!("Value::from({v:?})"),
        Value::DType(v) => format!("Value::DType(DType::{v:?})"),
        Value::Tensor(t) => format!("/* a tensor of {:?} */", t.shape().as_slice()),
        Value::List(list) => {
            format!("Value::List(vec![{}])", list.iter().map(code).collect::<Vec<_>>().join(", "))
        }
    }
}

fn number(v: f64, kind: &str) -> String {
    match v {
        v if v.is_nan() => format!("{kind}::NAN"),
        v if v.is_infinite() && v > 0.0 => format!("{kind}::INFINITY"),
        v if v.is_infinite() => format!("{kind}::NEG_INFINITY"),
        v if kind == "f32" => format!("{:?}", v as f32),
        v => format!("{v:?}"),
    }
}

impl Step {
    pub fn reads(&self) -> Vec<usize> {
        let mut reads = Vec::new();
        if let Step::Call { this, args, .. } = self {
            reads.push(*this);
            args.iter().for_each(|(_, a)| a.reads(&mut reads));
        }
        reads
    }

    /// The value of the step, on tensors made so far; of a leaf also the tensor that gradients are of.
    pub fn run(&self, made: &[Tensor]) -> Result<(Tensor, Option<Tensor>)> {
        match self {
            Step::Leaf { shape, dtype, values } => {
                let leaf = Tensor::from_slice(values, shape)?;
                Ok((leaf.cast(*dtype)?, dtype.is_float().then_some(leaf)))
            }
            Step::Call { method, this, args, pick } => {
                let named: Vec<(&str, Value)> =
                    args.iter().map(|(n, a)| (n.as_str(), a.value(made))).collect();
                let all = tensors(methods::call(method, Some(&made[*this]), &[], &named)?);
                let none = || Error::argument(method, "no tensor", "a tensor", "");
                Ok((all.get(*pick % all.len().max(1)).cloned().ok_or_else(none)?, None))
            }
        }
    }
}

pub fn tensors(value: Value) -> Vec<Tensor> {
    match value {
        Value::Tensor(t) => vec![t],
        Value::List(list) => list.into_iter().flat_map(tensors).collect(),
        _ => Vec::new(),
    }
}

impl Noise {
    fn on(self, x: &Tensor) -> Result<Tensor> {
        if !x.dtype().is_float() {
            return Ok(x.clone());
        }
        let (scale, floor) = match x.dtype().name() {
            "float16" => (2e-3, 7e-5),
            "bfloat16" => (2e-2, 1.2e-38),
            "float64" => (1e-13, 1e-300),
            _ => (4e-6, 1.2e-38),
        };
        let finite = x.mul(0.0)?.eq(0.0)?;
        let moved = x.mul(x.mul(9973.0)?.add(self.0)?.sin()?.mul(scale)?.add(1.0)?)?;
        let moved = finite.where_(moved, x)?;
        let tiny = x.abs()?.lt(floor)?;
        tiny.where_(0.0, moved)?.cast(x.dtype())
    }

    /// Moves a value, and the gradient that comes to it.
    fn apply(self, x: &Tensor) -> Result<Tensor> {
        if !x.dtype().is_float() {
            return Ok(x.clone());
        }
        self.on(x)?.custom_grad(&[x], move |g, _, _| Ok(vec![Some(self.on(g)?)]))
    }
}

impl Program {
    /// Runs on the default device, everything in one plan.
    pub fn run(&self, noise: Option<Noise>) -> Result<Run> {
        let (mut made, mut leaves) = (Vec::new(), Vec::new());
        for step in &self.steps {
            let (value, leaf) = step.run(&made)?;
            leaves.extend(leaf);
            made.push(noise.map_or(Ok(value.clone()), |n| n.apply(&value))?);
        }
        let mut read = vec![false; made.len()];
        self.steps.iter().flat_map(Step::reads).for_each(|i| read[i] = true);
        let mut all: Vec<Tensor> =
            made.iter().zip(&read).filter(|(_, read)| !**read).map(|(t, _)| t.clone()).collect();
        let mut loss: Option<Tensor> = None;
        for out in all.iter().filter(|t| t.dtype().is_float()) {
            let weights: Vec<f32> = (0..out.numel()).map(|i| (1.0 + i as f32 * 0.7).sin()).collect();
            let part =
                out.mul(Tensor::from_slice(&weights, &out.shape())?)?.cast(DType::F32)?.sum((), false)?;
            loss = Some(loss.map_or(Ok(part.clone()), |sum| sum.add(&part))?);
        }
        if let Some(loss) = loss {
            all.extend(loss.gradient(&leaves.iter().collect::<Vec<_>>(), None, true)?);
        }
        realize_all(&all)?;
        let read = |t: &Tensor| {
            let data = block_on(t.data())?;
            Ok((t.dtype(), (0..data.len()).map(|i| data.get(i)).collect()))
        };
        Ok(Run { values: all.iter().map(read).collect::<Result<_>>()? })
    }

    /// What value `last` needs.
    pub fn cut(&self, last: usize) -> Program {
        let mut needed = vec![false; last + 1];
        needed[last] = true;
        for i in (0..=last).rev() {
            if needed[i] {
                self.steps[i].reads().into_iter().for_each(|r| needed[r] = true);
            }
        }
        let mut to = vec![0; last + 1];
        let mut steps = Vec::new();
        for i in (0..=last).filter(|i| needed[*i]) {
            to[i] = steps.len();
            let mut step = self.steps[i].clone();
            if let Step::Call { this, args, .. } = &mut step {
                *this = to[*this];
                args.iter_mut().for_each(|(_, a)| a.renumber(&to));
            }
            steps.push(step);
        }
        Program { steps }
    }

    pub fn code(&self) -> String {
        let mut out = String::new();
        for (i, step) in self.steps.iter().enumerate() {
            match step {
                Step::Leaf { shape, dtype, values } => {
                    let values: Vec<_> = values.iter().map(|v| number(f64::from(*v), "f32")).collect();
                    let cast = if *dtype == DType::F32 {
                        String::new()
                    } else {
                        format!(".cast(DType::{dtype:?})?")
                    };
                    writeln!(
                        out,
                        "let t{i} = Tensor::from_slice(&[{}f32][..], &{shape:?})?{cast};",
                        values.join(", ")
                    )
                }
                Step::Call { method, this, args, pick } => {
                    let args: Vec<_> = args.iter().map(|(n, a)| format!("({n:?}, {})", a.code())).collect();
                    let args = args.join(", ");
                    let pick = if *pick == 0 {
                        String::new()
                    } else {
                        format!(" // tensor {pick} of those it gives")
                    };
                    writeln!(out, "let t{i} = call({method:?}, Some(&t{this}), &[], &[{args}])?;{pick}")
                }
            }
            .unwrap();
        }
        out
    }
}
