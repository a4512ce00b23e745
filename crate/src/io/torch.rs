//! Files that `torch.save` writes: a zip archive of one pickle and one file for each storage.

use super::{
    pickle::{self, Objects, Strided, Value},
    zip::Archive,
};
use crate::{
    error::{Error, Result},
    graph::DType,
    nn::StateDict,
    tensor::Tensor,
};
use std::{borrow::Cow, collections::HashMap, rc::Rc};

/// How many objects, and how deep, a file may nest; how many bytes its tensors may have together, or that many times
/// the file's length.
const MOST: usize = 1_000_000;
const DEEPEST: usize = 64;
const MOST_BYTES: usize = 1 << 30;
const MOST_TIMES: usize = 4;

/// The tensors of a `.pt` or `.pth` file written by `torch.save` of PyTorch 1.6 or later, by the path of names to
/// each: a state dict keeps its keys, a checkpoint's become `model.0.weight`; a lone tensor is named `tensor`. What
/// else it holds (numbers, text) is left out. Nothing in the file is executed. `name` appears in errors.
///
/// # Errors
/// `Data` for damaged files, for those in PyTorch's older formats, and for pickled objects of any other kind, by name;
/// `DType` for tensors of a dtype there is not.
pub fn load_torch(name: &str, bytes: &[u8]) -> Result<StateDict> {
    if !bytes.starts_with(b"PK") {
        let old = bytes.starts_with(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
        let (got, fix) = match old || bytes.get(257..262) == Some(b"ustar") {
            true => ("a file from before PyTorch 1.6", "load it with PyTorch and torch.save it again"),
            false => ("bytes that are no zip archive", "fetch or save the file again"),
        };
        return Err(Error::data(name, got, "a file written by torch.save", fix));
    }
    let archive = Archive::open(name, bytes)?;
    let end = "data.pkl";
    let found = archive.paths().find(|p| *p == end || p.ends_with("/data.pkl")).unwrap_or(end).to_string();
    let folder = &found[..found.len() - end.len()];
    let order = format!("{folder}byteorder");
    if archive.paths().any(|p| p == order) && &*archive.read(&order)? != b"little" {
        return Err(Error::data(
            name,
            "big-endian numbers",
            "little-endian ones",
            "save it on another machine",
        ));
    }
    let (root, objects) = pickle::load(name, &archive.read(&found)?)?;
    let mut reading = Reading {
        archive: &archive,
        folder,
        objects: &objects,
        storages: HashMap::new(),
        tensors: StateDict::new(),
        left: MOST,
        bytes_left: MOST_BYTES.max(bytes.len().saturating_mul(MOST_TIMES)),
    };
    let lone = matches!(root, Value::Tensor(_));
    reading.walk(if lone { "tensor" } else { "" }, &root, 0)?;
    Ok(reading.tensors)
}

struct Reading<'a> {
    archive: &'a Archive<'a>,
    folder: &'a str,
    objects: &'a Objects,
    storages: HashMap<Rc<str>, Cow<'a, [u8]>>,
    tensors: StateDict,
    left: usize,
    bytes_left: usize,
}

impl Reading<'_> {
    fn walk(&mut self, path: &str, value: &Value, depth: usize) -> Result<()> {
        if depth > DEEPEST || self.left == 0 {
            let expected = format!("at most {MOST} values and {DEEPEST} levels");
            return Err(Error::data(
                self.archive.name,
                "too many nested values",
                expected,
                "save the state dict alone",
            ));
        }
        self.left -= 1;
        let objects = self.objects;
        let inner = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        match value {
            Value::Tensor(strided) => {
                let tensor = self.tensor(path, strided)?;
                self.tensors.insert(path.to_string(), tensor);
            }
            Value::List(at) => {
                for (i, item) in objects.lists[*at].iter().enumerate() {
                    self.walk(&inner(&i.to_string()), item, depth + 1)?;
                }
            }
            Value::Dict(at) => {
                for (key, item) in &objects.dicts[*at] {
                    match key {
                        Value::Text(key) => self.walk(&inner(key), item, depth + 1)?,
                        Value::Int(key) => self.walk(&inner(&key.to_string()), item, depth + 1)?,
                        _ => {}
                    }
                }
            }
            Value::None | Value::Bool | Value::Int(_) | Value::Float | Value::Text(_) => {}
            Value::Known(_) | Value::Storage(_) => {}
        }
        Ok(())
    }

    fn tensor(&mut self, path: &str, t: &Strided) -> Result<Tensor> {
        let name = self.archive.name;
        let dtype = DType::parse(t.dtype).ok_or_else(|| {
            let known = DType::ALL.map(DType::name).join(", ");
            Error::dtype(name, format!("{path} of {}", t.dtype), known, "convert it in PyTorch before saving")
        })?;
        let key = &t.storage.key;
        if !self.storages.contains_key(key) {
            let bytes = self.archive.read(&format!("{}data/{key}", self.folder))?;
            self.storages.insert(key.clone(), bytes);
        }
        let outside = || {
            let got = format!("{path} of shape {:?} outside its data", t.size);
            Error::data(name, got, "what torch.save writes", "fetch or save the file again")
        };
        let bytes = gather(&self.storages[key], t, dtype.size(), self.bytes_left).ok_or_else(outside)?;
        self.bytes_left -= bytes.len();
        Tensor::from_bytes(bytes, &t.size, dtype)
    }
}

/// The elements in row-major order, or `None` where they lie outside the storage or are too many to hold.
fn gather(storage: &[u8], t: &Strided, width: usize, most: usize) -> Option<Vec<u8>> {
    let count = t.size.iter().try_fold(1usize, |n, size| n.checked_mul(*size))?;
    let length = count.checked_mul(width).filter(|n| *n <= most)?;
    let mut out = Vec::new();
    if count == 0 {
        return Some(out);
    }
    let reach =
        |last: usize, (size, stride): (&usize, &usize)| last.checked_add((size - 1).checked_mul(*stride)?);
    let last = t.size.iter().zip(&t.stride).try_fold(t.offset, reach)?;
    storage.get(..last.checked_add(1)?.checked_mul(width)?)?;
    out.try_reserve_exact(length).ok()?;
    let mut at = vec![0; t.size.len()];
    let mut place = t.offset;
    // The last axes that lie together are copied as one.
    let mut run = 1;
    let mut together = t.size.len();
    while together > 0 && (t.stride[together - 1] == run || t.size[together - 1] == 1) {
        together -= 1;
        run *= t.size[together];
    }
    for _ in 0..count / run {
        out.extend_from_slice(&storage[place * width..(place + run) * width]);
        for axis in (0..together).rev() {
            at[axis] += 1;
            place = place.wrapping_add(t.stride[axis]);
            if at[axis] < t.size[axis] {
                break;
            }
            place = place.wrapping_sub(t.stride[axis].wrapping_mul(t.size[axis]));
            at[axis] = 0;
        }
    }
    Some(out)
}
