//! Reads ops.json and repeats the inputs make.py drew.

use playgrad::{
    error::Result,
    graph::DType,
    tensor::{AxisList, Slice, Tensor},
};
use serde_json::Value;

pub struct Case {
    pub name: String,
    pub op: String,
    pub args: Args,
    pub inputs: Vec<Input>,
    pub shape: Vec<usize>,
    pub dtype: String,
    pub out: Vec<f64>,
    /// One per float input; `None` where the output does not depend on it.
    pub grads: Option<Vec<Option<Vec<f64>>>>,
    seed: u32,
}

pub struct Input {
    shape: Vec<usize>,
    dtype: DType,
    low: f64,
    high: f64,
    view: Vec<(String, Args)>,
}

/// A case's inputs on the engine: what gradients are of, what the operation sees, what weighs its output.
pub struct Drawn {
    pub leaves: Vec<Tensor>,
    pub viewed: Vec<Tensor>,
    pub weights: Tensor,
}

pub fn load() -> Vec<Case> {
    let rows: Vec<Value> = serde_json::from_str(include_str!("ops.json")).expect("ops.json is JSON");
    rows.iter().map(Case::read).collect()
}

struct Lcg(u32);

impl Lcg {
    fn values(&mut self, n: usize, low: f64, high: f64) -> impl Iterator<Item = f64> + '_ {
        (0..n).map(move |_| {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            low + (high - low) * (f64::from(self.0 >> 8) / f64::from(1 << 24))
        })
    }
}

impl Case {
    fn read(row: &Value) -> Case {
        let (seed, op) = (row["seed"].as_u64().unwrap() as u32, text(&row["op"]));
        let inputs: Vec<Input> = items(&row["inputs"]).iter().map(Input::read).collect();
        let shapes: Vec<_> = inputs.iter().map(|i| &i.shape).collect();
        Case {
            name: format!("#{seed} {op} {shapes:?} {}", row["args"]),
            args: Args(row["args"].clone()),
            shape: sizes(&row["shape"]),
            dtype: text(&row["dtype"]),
            out: numbers(&row["out"]),
            grads: row["grads"]
                .as_array()
                .map(|g| g.iter().map(|v| v.is_array().then(|| numbers(v))).collect()),
            inputs,
            seed,
            op,
        }
    }

    pub fn draw(&self) -> Result<Drawn> {
        let mut lcg = Lcg(self.seed);
        let leaves = self.inputs.iter().map(|i| i.leaf(&mut lcg)).collect::<Result<Vec<_>>>()?;
        let viewed =
            self.inputs.iter().zip(&leaves).map(|(i, leaf)| i.viewed(leaf)).collect::<Result<_>>()?;
        let weights: Vec<f32> = lcg.values(self.out.len(), -1.0, 1.0).map(|v| v as f32).collect();
        Ok(Drawn { leaves, viewed, weights: Tensor::from_slice(&weights, &self.shape)? })
    }
}

impl Input {
    fn read(row: &Value) -> Input {
        let view = items(&row["view"]).iter().map(|v| (text(&v[0]), Args(v[1].clone())));
        Input {
            shape: sizes(&row["shape"]),
            dtype: DType::parse(row["dtype"].as_str().unwrap()).unwrap(),
            low: row["low"].as_f64().unwrap(),
            high: row["high"].as_f64().unwrap(),
            view: view.collect(),
        }
    }

    fn leaf(&self, lcg: &mut Lcg) -> Result<Tensor> {
        let values: Vec<f64> = lcg.values(self.shape.iter().product(), self.low, self.high).collect();
        let whole = || values.iter().map(|v| v.floor());
        match self.dtype {
            DType::Bool => Tensor::from_slice(&whole().map(|v| v != 0.0).collect::<Vec<_>>(), &self.shape),
            DType::U8 => Tensor::from_slice(&whole().map(|v| v as u8).collect::<Vec<_>>(), &self.shape),
            DType::I32 => Tensor::from_slice(&whole().map(|v| v as i32).collect::<Vec<_>>(), &self.shape),
            DType::U32 => Tensor::from_slice(&whole().map(|v| v as u32).collect::<Vec<_>>(), &self.shape),
            DType::F32 => {
                let leaf =
                    Tensor::from_slice(&values.iter().map(|v| *v as f32).collect::<Vec<_>>(), &self.shape)?;
                leaf.set_requires_grad(true)?;
                Ok(leaf)
            }
        }
    }

    fn viewed(&self, leaf: &Tensor) -> Result<Tensor> {
        self.view.iter().try_fold(leaf.clone(), |x, (name, args)| {
            let list = args.whole().ints();
            match name.as_str() {
                "permute" => x.permute(&list),
                "flip" => x.flip(list.as_slice()),
                "expand" => x.expand(&list),
                "reshape" => x.reshape(&list),
                "slice" => x.slice(&args.whole().slices()),
                "pad" => x.pad(&args.whole().pairs(), 0.0),
                other => panic!("make.py has a view `{other}` that this file lacks"),
            }
        })
    }
}

/// A case's keyword arguments.
pub struct Args(Value);

/// One argument, read as what the operation takes.
pub struct Arg<'a>(&'a Value);

impl Args {
    pub fn get(&self, name: &str) -> Option<Arg<'_>> {
        self.0.get(name).filter(|v| !v.is_null()).map(Arg)
    }

    pub fn at(&self, name: &str) -> Arg<'_> {
        self.get(name).unwrap_or_else(|| panic!("ops.json: {} lacks `{name}`", self.0))
    }

    fn whole(&self) -> Arg<'_> {
        Arg(&self.0)
    }

    pub fn axes(&self) -> AxisList {
        AxisList::from(self.get("axis").map(|a| if a.0.is_array() { a.ints() } else { vec![a.int()] }))
    }

    pub fn keepdim(&self) -> bool {
        self.0["keepdim"] == true
    }

    /// `n` or `[h, w]`.
    pub fn pair(&self, name: &str) -> Option<[usize; 2]> {
        let arg = self.get(name)?;
        Some(if arg.0.is_array() { [sizes(arg.0)[0], sizes(arg.0)[1]] } else { [arg.int() as usize; 2] })
    }
}

impl Arg<'_> {
    pub fn float(&self) -> f64 {
        self.0.as_f64().unwrap()
    }

    pub fn int(&self) -> isize {
        self.0.as_i64().unwrap() as isize
    }

    /// Whether the number was written with a fraction.
    pub fn is_float(&self) -> bool {
        self.0.is_f64()
    }

    pub fn text(&self) -> String {
        text(self.0)
    }

    pub fn floats(&self) -> Vec<f64> {
        numbers(self.0)
    }

    pub fn ints(&self) -> Vec<isize> {
        self.0
            .as_array()
            .map_or(Vec::new(), |a| a.iter().filter_map(|v| Some(v.as_i64()? as isize)).collect())
    }

    pub fn sizes(&self) -> Vec<usize> {
        sizes(self.0)
    }

    pub fn pairs(&self) -> Vec<(usize, usize)> {
        items(self.0).iter().map(|p| (sizes(p)[0], sizes(p)[1])).collect()
    }

    pub fn slices(&self) -> Vec<Slice> {
        let end = |v: &Value| v.as_i64().map(|i| i as isize);
        let part = |v: &Value| match v {
            Value::Null => Slice::All,
            Value::Array(r) => Slice::Range {
                start: end(&r[0]),
                stop: end(&r[1]),
                step: r.get(2).and_then(end).unwrap_or(1),
            },
            at => Slice::At(end(at).unwrap()),
        };
        items(self.0).iter().map(part).collect()
    }
}

fn items(v: &Value) -> &[Value] {
    v.as_array().unwrap()
}

fn text(v: &Value) -> String {
    v.as_str().unwrap().to_string()
}

fn numbers(v: &Value) -> Vec<f64> {
    items(v).iter().map(|n| n.as_f64().unwrap()).collect()
}

fn sizes(v: &Value) -> Vec<usize> {
    items(v).iter().map(|n| n.as_u64().unwrap() as usize).collect()
}
