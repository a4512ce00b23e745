//! The part of Python's pickle that state dicts are written in. Nothing is executed: an object is made only of what
//! [`Known`] lists, and everything else is refused by its name.

use crate::error::{Error, Result};
use std::{collections::HashMap, rc::Rc};

/// A value; lists and dicts are places in [`Objects`], so that no nesting can exhaust the stack.
#[derive(Clone, Debug)]
pub(super) enum Value {
    None,
    Bool,
    Int(i64),
    Float,
    Text(Rc<str>),
    /// A list or a tuple.
    List(usize),
    Dict(usize),
    Known(Known),
    Storage(Rc<Storage>),
    Tensor(Rc<Strided>),
}

/// The names a state dict may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Known {
    OrderedDict,
    Size,
    Tensor,
    TensorOfDtype,
    Parameter,
    /// A dtype by its name in PyTorch, or a storage of one; of none where each tensor says its dtype.
    Dtype(&'static str),
    Untyped,
}

#[derive(Debug)]
pub(super) struct Storage {
    /// `None` for untyped bytes.
    pub dtype: Option<&'static str>,
    pub key: Rc<str>,
}

#[derive(Debug)]
pub(super) struct Strided {
    pub storage: Rc<Storage>,
    pub dtype: &'static str,
    pub offset: usize,
    pub size: Vec<usize>,
    pub stride: Vec<usize>,
}

#[derive(Default)]
pub(super) struct Objects {
    pub lists: Vec<Vec<Value>>,
    pub dicts: Vec<Vec<(Value, Value)>>,
}

/// PyTorch's own limit.
const MOST_AXES: usize = 64;

const STORAGES: [(&str, &str); 12] = [
    ("BoolStorage", "bool"),
    ("ByteStorage", "uint8"),
    ("CharStorage", "int8"),
    ("ShortStorage", "int16"),
    ("IntStorage", "int32"),
    ("LongStorage", "int64"),
    ("HalfStorage", "float16"),
    ("BFloat16Storage", "bfloat16"),
    ("FloatStorage", "float32"),
    ("DoubleStorage", "float64"),
    ("ComplexFloatStorage", "complex64"),
    ("ComplexDoubleStorage", "complex128"),
];
const DTYPES: [&str; 3] = ["uint16", "uint32", "uint64"];

fn known(module: &str, name: &str) -> Option<Known> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Known::OrderedDict,
        ("torch", "Size") => Known::Size,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Known::Tensor,
        ("torch._utils", "_rebuild_tensor_v3") => Known::TensorOfDtype,
        ("torch._utils", "_rebuild_parameter") => Known::Parameter,
        ("torch.storage", "UntypedStorage") => Known::Untyped,
        ("torch", _) => {
            let storage =
                STORAGES.iter().find(|(s, dtype)| *s == name || *dtype == name).map(|(_, dtype)| *dtype);
            Known::Dtype(storage.or_else(|| DTYPES.into_iter().find(|dtype| *dtype == name))?)
        }
        _ => return None,
    })
}

struct Machine<'a> {
    file: &'a str,
    rest: &'a [u8],
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    objects: Objects,
}

/// The object that `bytes` describe, and what it is made of. `file` appears in errors.
pub(super) fn load(file: &str, bytes: &[u8]) -> Result<(Value, Objects)> {
    let (stack, marks, memo) = (Vec::new(), Vec::new(), HashMap::new());
    let mut machine = Machine { file, rest: bytes, stack, marks, memo, objects: Objects::default() };
    while let Some(code) = machine.take(1).map(|b| b[0]) {
        if code == b'.' {
            return match machine.stack.pop() {
                Some(value) => Ok((value, machine.objects)),
                None => Err(machine.damaged()),
            };
        }
        match machine.run(code) {
            Ok(Some(())) => {}
            Ok(None) => return Err(machine.damaged()),
            Err(error) => return Err(error),
        }
    }
    Err(machine.damaged())
}

impl<'a> Machine<'a> {
    fn damaged(&self) -> Error {
        Error::data(self.file, "a damaged data.pkl", "what torch.save writes", "fetch or save the file again")
    }

    fn refused(&self, what: &str) -> Error {
        let fix = "save the state dict alone: torch.save(model.state_dict(), path)";
        Error::data(self.file, format!("a pickled {what}"), "tensors, numbers, text, lists and dicts", fix)
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(taken)
    }

    fn length(&mut self, bytes: usize) -> Option<usize> {
        let taken = self.take(bytes)?;
        let value =
            taken.iter().rev().try_fold(0usize, |all, b| all.checked_mul(256)?.checked_add((*b).into()));
        value.filter(|n| *n <= isize::MAX as usize)
    }

    fn line(&mut self) -> Option<&'a str> {
        let end = self.rest.iter().position(|b| *b == b'\n')?;
        let line = self.take(end + 1)?;
        std::str::from_utf8(&line[..end]).ok()
    }

    fn text(&mut self, bytes: usize) -> Option<Value> {
        let length = self.length(bytes)?;
        Some(Value::Text(std::str::from_utf8(self.take(length)?).ok()?.into()))
    }

    fn list(&mut self, values: Vec<Value>) -> Value {
        self.objects.lists.push(values);
        Value::List(self.objects.lists.len() - 1)
    }

    fn dict(&mut self) -> Value {
        self.objects.dicts.push(Vec::new());
        Value::Dict(self.objects.dicts.len() - 1)
    }

    /// What was pushed since the last mark.
    fn marked(&mut self) -> Option<Vec<Value>> {
        let mark = self.marks.pop()?;
        (mark <= self.stack.len()).then(|| self.stack.split_off(mark))
    }

    fn pop(&mut self, n: usize) -> Option<Vec<Value>> {
        let first = self.stack.len().checked_sub(n)?;
        Some(self.stack.split_off(first))
    }

    fn append(&mut self, values: Vec<Value>) -> Option<()> {
        let Value::List(at) = self.stack.last()? else { return None };
        self.objects.lists[*at].extend(values);
        Some(())
    }

    fn set_items(&mut self, values: Vec<Value>) -> Option<()> {
        let Value::Dict(at) = self.stack.last()? else { return None };
        let pairs = values.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
        self.objects.dicts[*at].extend(pairs);
        Some(())
    }

    fn remember(&mut self, at: u32) -> Option<()> {
        self.memo.insert(at, self.stack.last()?.clone());
        Some(())
    }

    fn recall(&mut self, at: usize) -> Option<Value> {
        self.memo.get(&u32::try_from(at).ok()?).cloned()
    }

    /// One instruction; `None` where it does not fit what came before.
    fn run(&mut self, code: u8) -> Result<Option<()>> {
        let pushed = match code {
            0x80 => return Ok(self.take(1).map(drop)),
            0x95 => return Ok(self.take(8).map(drop)),
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(Some(()));
            }
            b'0' => return Ok(self.stack.pop().map(drop)),
            b'1' => return Ok(self.marked().map(drop)),
            b'q' => return Ok(self.length(1).and_then(|at| self.remember(at as u32))),
            b'r' => return Ok(self.length(4).and_then(|at| self.remember(at as u32))),
            0x94 => return Ok(self.remember(self.memo.len() as u32)),
            b'a' => return Ok(self.pop(1).and_then(|values| self.append(values))),
            b'e' => return Ok(self.marked().and_then(|values| self.append(values))),
            b's' => return Ok(self.pop(2).and_then(|values| self.set_items(values))),
            b'u' => return Ok(self.marked().and_then(|values| self.set_items(values))),
            b'b' => return Ok(self.build()),
            b'N' => Some(Value::None),
            0x88 | 0x89 => Some(Value::Bool),
            b'K' => self.length(1).map(|n| Value::Int(n as i64)),
            b'M' => self.length(2).map(|n| Value::Int(n as i64)),
            b'J' => self.take(4).map(|b| Value::Int(i32::from_le_bytes([b[0], b[1], b[2], b[3]]).into())),
            0x8a => self.long(),
            b'G' => self.take(8).map(|_| Value::Float),
            b'X' => self.text(4),
            0x8c => self.text(1),
            0x8d => self.text(8),
            b']' | b')' => Some(self.list(Vec::new())),
            b't' | b'l' => self.marked().map(|values| self.list(values)),
            0x85..=0x87 => self.pop(usize::from(code - 0x84)).map(|values| self.list(values)),
            b'}' => Some(self.dict()),
            b'd' => match self.marked() {
                Some(values) => {
                    let dict = self.dict();
                    self.stack.push(dict);
                    return Ok(self.set_items(values));
                }
                None => None,
            },
            b'h' => self.length(1).and_then(|at| self.recall(at)),
            b'j' => self.length(4).and_then(|at| self.recall(at)),
            b'c' => match (self.line(), self.line()) {
                (Some(module), Some(name)) => Some(self.global(module, name)?),
                _ => None,
            },
            0x93 => match self.pop(2).as_deref() {
                Some([Value::Text(module), Value::Text(name)]) => Some(self.global(module, name)?),
                _ => None,
            },
            b'Q' => self.pop(1).and_then(|id| self.storage(&id[0])),
            b'R' | 0x81 => match self.pop(2).as_deref() {
                Some([Value::Known(what), Value::List(args)]) => self.made(*what, *args),
                _ => None,
            },
            _ => return Err(self.refused(&format!("object (instruction {code:#04x})"))),
        };
        Ok(pushed.map(|value| self.stack.push(value)))
    }

    fn global(&self, module: &str, name: &str) -> Result<Value> {
        known(module, name).map(Value::Known).ok_or_else(|| self.refused(&format!("{module}.{name}")))
    }

    /// An integer of up to eight bytes.
    fn long(&mut self) -> Option<Value> {
        let n = self.length(1)?;
        let bytes = self.take(n)?;
        let mut whole = [if bytes.last().is_some_and(|b| *b > 127) { 255 } else { 0 }; 8];
        whole.get_mut(..n)?.copy_from_slice(bytes);
        Some(Value::Int(i64::from_le_bytes(whole)))
    }

    /// The state of an object: a state dict's holds nothing but `_metadata`.
    fn build(&mut self) -> Option<()> {
        self.stack.pop()?;
        matches!(self.stack.last()?, Value::Dict(_) | Value::Tensor(_)).then_some(())
    }

    /// `("storage", its type, its key, its device, how many elements)`.
    fn storage(&self, id: &Value) -> Option<Value> {
        let Value::List(at) = id else { return None };
        let [Value::Text(what), Value::Known(kind), Value::Text(key), ..] = &self.objects.lists[*at][..]
        else {
            return None;
        };
        let dtype = match kind {
            Known::Dtype(name) => Some(*name),
            Known::Untyped => None,
            _ => return None,
        };
        (&**what == "storage").then(|| Value::Storage(Rc::new(Storage { dtype, key: key.clone() })))
    }

    /// What a call gives.
    fn made(&mut self, what: Known, args: usize) -> Option<Value> {
        let args = &self.objects.lists[args];
        match (what, &args[..]) {
            (Known::Size, [sizes @ Value::List(_)]) => Some(sizes.clone()),
            (Known::Parameter, [tensor @ Value::Tensor(_), ..]) => Some(tensor.clone()),
            (Known::OrderedDict, []) => Some(self.dict()),
            (
                Known::Tensor | Known::TensorOfDtype,
                [
                    Value::Storage(storage),
                    Value::Int(offset),
                    Value::List(size),
                    Value::List(stride),
                    rest @ ..,
                ],
            ) => {
                let dtype = match (what, storage.dtype, rest) {
                    (Known::Tensor, Some(dtype), _) => dtype,
                    (Known::TensorOfDtype, _, [_, _, Value::Known(Known::Dtype(dtype)), ..]) => dtype,
                    _ => return None,
                };
                let numbers = |at: usize| {
                    let whole = |v: &Value| match v {
                        Value::Int(n) => usize::try_from(*n).ok(),
                        _ => None,
                    };
                    self.objects.lists[at].iter().take(MOST_AXES + 1).map(whole).collect::<Option<Vec<_>>>()
                };
                let (size, stride) = (numbers(*size)?, numbers(*stride)?);
                let offset = usize::try_from(*offset).ok()?;
                let fits = size.len() == stride.len() && size.len() <= MOST_AXES;
                fits.then(|| {
                    Value::Tensor(Rc::new(Strided { storage: storage.clone(), dtype, offset, size, stride }))
                })
            }
            _ => None,
        }
    }
}
