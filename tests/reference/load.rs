//! Reads values/*.json, repeats the inputs draw.py drew, and calls the table of methods.

#[path = "chain.rs"]
mod chain;

use playgrad::{
    error::{Error, Result},
    graph::DType,
    methods::{self, Value},
    tensor::{Slice, Tensor},
};
use serde_json::Value as Json;
use std::{fs, path::Path};

pub struct Case {
    pub theme: String,
    pub name: String,
    pub op: String,
    pub outs: Vec<Out>,
    /// One per float input; `None` where the output does not depend on it.
    pub grads: Option<Vec<Option<Vec<f64>>>>,
    args: Json,
    inputs: Vec<Input>,
    seed: u32,
}

/// What PyTorch gives.
pub struct Out {
    pub shape: Vec<usize>,
    pub dtype: String,
    pub values: Vec<f64>,
}

struct Input {
    shape: Vec<usize>,
    dtype: DType,
    given: Option<Vec<f64>>,
    low: f64,
    high: f64,
    view: Vec<(String, Json)>,
}

/// A case's inputs on the engine: what gradients are of, what the operation sees, what weighs its float outputs.
pub struct Drawn {
    pub leaves: Vec<Tensor>,
    pub viewed: Vec<Tensor>,
    pub weights: Vec<Option<Tensor>>,
}

pub fn load() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/values");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let read = |file: &std::path::PathBuf| {
        let theme = file.file_stem().unwrap().to_string_lossy().into_owned();
        let rows: Vec<Json> =
            serde_json::from_str(&fs::read_to_string(file).unwrap()).expect("values are JSON");
        rows.iter().map(|row| Case::read(&theme, row)).collect::<Vec<_>>()
    };
    files.iter().flat_map(read).collect()
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
    fn read(theme: &str, row: &Json) -> Case {
        let op = text(&row["op"]);
        let inputs: Vec<Input> = items(&row["inputs"]).iter().map(Input::read).collect();
        let shapes: Vec<_> = inputs.iter().map(|i| &i.shape).collect();
        let out = |o: &Json| Out {
            shape: sizes(&o["shape"]),
            dtype: text(&o["dtype"]),
            values: numbers(&o["values"]),
        };
        let grad = |g: &Json| g.is_array().then(|| numbers(g));
        Case {
            theme: theme.into(),
            name: format!("{theme}: {op} {shapes:?} {}", row["args"]),
            outs: items(&row["outs"]).iter().map(out).collect(),
            grads: row["grads"].as_array().map(|g| g.iter().map(grad).collect()),
            args: row["args"].clone(),
            seed: row["seed"].as_u64().unwrap() as u32,
            inputs,
            op,
        }
    }

    /// Every dtype the case names.
    pub fn mentions(&self, dtype: DType) -> bool {
        let told = self.args.get("dtype").and_then(Json::as_str).and_then(DType::parse) == Some(dtype);
        told || self.inputs.iter().any(|i| i.dtype == dtype)
            || self.outs.iter().any(|o| o.dtype == dtype.name())
    }

    pub fn draw(&self) -> Result<Drawn> {
        let mut lcg = Lcg(self.seed);
        let leaves = self.inputs.iter().map(|i| i.leaf(&mut lcg)).collect::<Result<Vec<_>>>()?;
        let viewed =
            self.inputs.iter().zip(&leaves).map(|(i, leaf)| i.viewed(leaf)).collect::<Result<_>>()?;
        let mut weights = Vec::new();
        for out in &self.outs {
            let float = self.grads.is_some() && DType::parse(&out.dtype).is_some_and(DType::is_float);
            weights.push(if float {
                let drawn: Vec<f32> = lcg.values(out.values.len(), -1.0, 1.0).map(|v| v as f32).collect();
                Some(Tensor::from_slice(&drawn, &out.shape)?)
            } else {
                None
            });
        }
        Ok(Drawn { leaves, viewed, weights })
    }

    /// What the method gives for the drawn inputs.
    pub fn run(&self, x: &[Tensor]) -> Result<Value> {
        if self.op.starts_with("chain_") {
            return chain::run(&self.op, x).map(Value::Tensor);
        }
        let unknown = || Error::argument(&self.op, "a case", "a method of the table", "add its row");
        let method = methods::find(&self.op).ok_or_else(unknown)?;
        let mut used = vec![false; x.len()];
        let mut named: Vec<(&str, Value)> = Vec::new();
        for (name, value) in self.args.as_object().unwrap() {
            named.push((name, argument(value, x, &mut used)));
        }
        let mut left: Vec<Tensor> =
            x.iter().zip(&used).filter(|(_, used)| !**used).map(|(t, _)| t.clone()).collect();
        let this = if method.on_class { None } else { Some(left.remove(0)) };
        let mut left = left.into_iter();
        for arg in method.args.iter().filter(|a| !self.args.as_object().unwrap().contains_key(a.name)) {
            if arg.takes_tensors() {
                named.push((arg.name, left.by_ref().collect::<Vec<_>>().into()));
            } else if arg.takes_tensor()
                && let Some(tensor) = left.next()
            {
                named.push((arg.name, tensor.into()));
            }
        }
        assert!(left.next().is_none(), "{} has no parameter for one of its inputs", self.name);
        methods::call(&self.op, this.as_ref(), &[], &named)
    }
}

/// `"$1"` is the second input; numbers that JSON cannot hold are written as text.
fn argument(value: &Json, x: &[Tensor], used: &mut [bool]) -> Value {
    match value {
        Json::Null => Value::None,
        Json::Bool(v) => Value::Bool(*v),
        Json::Number(n) => n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap()), Value::Int),
        Json::String(s) => match s.strip_prefix('$').and_then(|n| n.parse::<usize>().ok()) {
            Some(n) => {
                used[n] = true;
                Value::Tensor(x[n].clone())
            }
            None if matches!(s.as_str(), "nan" | "inf" | "-inf") => Value::Float(number(value)),
            None => Value::Str(s.clone()),
        },
        Json::Array(list) => Value::List(list.iter().map(|v| argument(v, x, used)).collect()),
        Json::Object(_) => panic!("a case has an object as argument"),
    }
}

impl Input {
    fn read(row: &Json) -> Input {
        let view = items(&row["view"]).iter().map(|v| (text(&v[0]), v[1].clone()));
        Input {
            shape: sizes(&row["shape"]),
            dtype: DType::parse(row["dtype"].as_str().unwrap()).unwrap(),
            given: row["values"].is_array().then(|| numbers(&row["values"])),
            low: row["low"].as_f64().unwrap_or(0.0),
            high: row["high"].as_f64().unwrap_or(0.0),
            view: view.collect(),
        }
    }

    fn leaf(&self, lcg: &mut Lcg) -> Result<Tensor> {
        let drawn = |lcg: &mut Lcg| lcg.values(self.shape.iter().product(), self.low, self.high).collect();
        let values: Vec<f64> = self.given.clone().unwrap_or_else(|| drawn(lcg));
        let float = self.dtype.is_float();
        let bytes = values.iter().flat_map(|v| {
            let held = self.dtype.bytes_of(if float { *v } else { v.floor() });
            held.into_iter().take(self.dtype.size())
        });
        let leaf = Tensor::from_bytes(bytes.collect::<Vec<u8>>(), &self.shape, self.dtype)?;
        leaf.set_requires_grad(float)?;
        Ok(leaf)
    }

    fn viewed(&self, leaf: &Tensor) -> Result<Tensor> {
        self.view.iter().try_fold(leaf.clone(), |x, (name, args)| {
            let list: Vec<isize> = items(args).iter().filter_map(|v| Some(v.as_i64()? as isize)).collect();
            match name.as_str() {
                "permute" => x.permute(&list),
                "flip" => x.flip(list.as_slice()),
                "expand" => x.expand(&list),
                "reshape" => x.reshape(&list),
                "slice" => x.slice(&slices(args)),
                "pad" => {
                    let pairs: Vec<_> = items(args).iter().map(|p| (sizes(p)[0], sizes(p)[1])).collect();
                    x.pad(&pairs, 0.0)
                }
                other => panic!("draw.py has a view `{other}` that this file lacks"),
            }
        })
    }
}

fn slices(parts: &Json) -> Vec<Slice> {
    let end = |v: &Json| v.as_i64().map(|i| i as isize);
    let part = |v: &Json| match v {
        Json::Null => Slice::All,
        Json::Array(r) => {
            Slice::Range { start: end(&r[0]), stop: end(&r[1]), step: r.get(2).and_then(end).unwrap_or(1) }
        }
        at => Slice::At(end(at).unwrap()),
    };
    items(parts).iter().map(part).collect()
}

fn items(v: &Json) -> &[Json] {
    v.as_array().unwrap()
}

fn text(v: &Json) -> String {
    v.as_str().unwrap().to_string()
}

fn number(v: &Json) -> f64 {
    match v {
        Json::Bool(v) => f64::from(u8::from(*v)),
        Json::String(s) => s.parse().unwrap(),
        n => n.as_f64().unwrap(),
    }
}

fn numbers(v: &Json) -> Vec<f64> {
    items(v).iter().map(number).collect()
}

fn sizes(v: &Json) -> Vec<usize> {
    items(v).iter().map(|n| n.as_u64().unwrap() as usize).collect()
}
