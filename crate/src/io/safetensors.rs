//! Named tensors as a safetensors file: <https://huggingface.co/docs/safetensors>. Eight bytes say how long the
//! header is; it names each tensor's dtype, shape and place; the data follows.

use crate::{
    error::{Error, Result},
    graph::DType,
    nn::StateDict,
    tensor::{Tensor, realize_all},
};
use serde_json::{Map, Value, json};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{Read, Seek, SeekFrom},
    ops::Range,
};

/// What a file says about itself: free text by name.
pub type Notes = BTreeMap<String, String>;

/// The format's own limit.
const LONGEST_HEADER: u64 = 100_000_000;
const PREFIX: u64 = 8;
const NOTES: &str = "__metadata__";

/// The format's names of dtypes, ours, and bytes per element.
const DTYPES: [(&str, &str, u64); 15] = [
    ("BOOL", "bool", 1),
    ("U8", "uint8", 1),
    ("I8", "int8", 1),
    ("F8_E5M2", "float8_e5m2", 1),
    ("F8_E4M3", "float8_e4m3", 1),
    ("I16", "int16", 2),
    ("U16", "uint16", 2),
    ("F16", "float16", 2),
    ("BF16", "bfloat16", 2),
    ("I32", "int32", 4),
    ("U32", "uint32", 4),
    ("F32", "float32", 4),
    ("I64", "int64", 8),
    ("U64", "uint64", 8),
    ("F64", "float64", 8),
];

/// What a header says of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The format's name of the dtype, `F32`.
    pub dtype: String,
    pub shape: Vec<usize>,
    /// Where in the file its bytes lie.
    pub bytes: Range<u64>,
}

/// A checked header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    pub tensors: BTreeMap<String, Entry>,
    pub notes: Notes,
}

impl Header {
    /// How many bytes the header has, from the first eight of a file of `length` bytes. `name` appears in errors.
    ///
    /// # Errors
    /// `Data` for a header that does not fit the file or is longer than the format allows.
    pub fn size(name: &str, first: &[u8], length: u64) -> Result<u64> {
        let Ok(first) = <[u8; PREFIX as usize]>::try_from(first) else {
            return Err(damaged(name, &format!("{length} bytes")));
        };
        match u64::from_le_bytes(first) {
            n if n > LONGEST_HEADER => Err(damaged(name, &format!("a header of {n} bytes"))),
            n if n + PREFIX > length => {
                Err(damaged(name, &format!("a header of {n} bytes in a file of {length}")))
            }
            n => Ok(n),
        }
    }

    /// Reads the header of a file of `length` bytes. The tensors must fill the rest without gap or overlap.
    ///
    /// # Errors
    /// `Data` naming what is wrong.
    pub fn parse(name: &str, header: &[u8], length: u64) -> Result<Header> {
        let json: Map<String, Value> = serde_json::from_slice(header)
            .map_err(|e| damaged(name, &format!("a header that is no JSON ({e})")))?;
        let mut out = Header::default();
        let start = PREFIX + header.len() as u64;
        for (key, value) in json {
            let wrong = || damaged(name, &format!("a wrong entry of {key}"));
            if key == NOTES {
                let note = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_string()));
                let notes = value.as_object().and_then(|notes| notes.iter().map(note).collect());
                out.notes = notes.ok_or_else(wrong)?;
            } else {
                let entry = Entry::read(&value, start).ok_or_else(wrong)?;
                out.tensors.insert(key, entry);
            }
        }
        let mut order: Vec<_> =
            out.tensors.iter().map(|(key, e)| (e.bytes.start, e.bytes.end, key)).collect();
        order.sort_unstable();
        let mut end = start;
        for (from, to, key) in order {
            if from != end {
                return Err(damaged(name, &format!("{key} at byte {from} where {end} is free")));
            }
            end = to;
        }
        if end != length {
            return Err(damaged(name, &format!("{length} bytes for a header that speaks of {end}")));
        }
        Ok(out)
    }
}

impl Entry {
    fn read(value: &Value, start: u64) -> Option<Entry> {
        let numbers =
            |name: &str| value.get(name)?.as_array()?.iter().map(Value::as_u64).collect::<Option<Vec<_>>>();
        let (shape, offsets) = (numbers("shape")?, numbers("data_offsets")?);
        let dtype = value.get("dtype")?.as_str()?.to_string();
        let &[from, to] = &offsets[..] else { return None };
        let bytes = start.checked_add(from)?..start.checked_add(to)?;
        let count = shape.iter().try_fold(1u64, |n, size| n.checked_mul(*size))?;
        let width = DTYPES.iter().find(|(name, ..)| *name == dtype).map(|(_, _, width)| *width);
        if from > to || width.is_some_and(|width| count.checked_mul(width) != Some(to - from)) {
            return None;
        }
        let shape = shape.into_iter().map(usize::try_from).collect::<Result<_, _>>().ok()?;
        Some(Entry { dtype, shape, bytes })
    }

    /// The tensor whose bytes these are. `name` appears in errors.
    ///
    /// # Errors
    /// `DType` where there is no such dtype; `Shape` when `bytes` are not as many as the entry says.
    pub fn tensor(&self, name: &str, key: &str, bytes: &[u8]) -> Result<Tensor> {
        let ours = DTYPES.iter().find(|(theirs, ..)| *theirs == self.dtype);
        let dtype = ours.and_then(|(_, ours, _)| DType::parse(ours)).ok_or_else(|| {
            let expected = DType::ALL.map(DType::name).join(", ");
            Error::dtype(name, format!("{key} of {}", self.dtype), expected, "convert it before saving")
        })?;
        Tensor::from_bytes(bytes, &self.shape, dtype)
    }
}

fn damaged(name: &str, got: &str) -> Error {
    Error::data(name, got, "a whole safetensors file", "fetch or save the file again")
}

/// A safetensors file whose tensors are read when they are asked for.
pub struct SafeFile<R> {
    name: String,
    reader: RefCell<R>,
    header: Header,
}

impl SafeFile<std::fs::File> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// `Data` when the file cannot be read or is damaged.
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<Self> {
        let name = path.as_ref().display().to_string();
        let file = std::fs::File::open(&path).map_err(|e| unreadable(&name, &e))?;
        SafeFile::new(&name, file)
    }
}

impl<R: Read + Seek> SafeFile<R> {
    /// Reads the header. `name` appears in errors.
    ///
    /// # Errors
    /// As [`SafeFile::open`].
    pub fn new(name: &str, mut reader: R) -> Result<Self> {
        let length = reader.seek(SeekFrom::End(0)).map_err(|e| unreadable(name, &e))?;
        let first = read(name, &mut reader, 0..PREFIX.min(length))?;
        let size = Header::size(name, &first, length)?;
        let header = Header::parse(name, &read(name, &mut reader, PREFIX..PREFIX + size)?, length)?;
        Ok(SafeFile { name: name.to_string(), reader: RefCell::new(reader), header })
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads one tensor.
    ///
    /// # Errors
    /// `Argument` for an unknown key, `DType` for a dtype there is not, `Data` when it cannot be read.
    pub fn tensor(&self, key: &str) -> Result<Tensor> {
        let entry = self.header.tensors.get(key).ok_or_else(|| {
            let known = self.header.tensors.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            Error::argument(&self.name, format!("\"{key}\""), known, "name one of these")
        })?;
        entry.tensor(&self.name, key, &read(&self.name, &mut *self.reader.borrow_mut(), entry.bytes.clone())?)
    }

    /// Reads all tensors.
    ///
    /// # Errors
    /// As [`SafeFile::tensor`].
    pub fn tensors(&self) -> Result<StateDict> {
        self.header.tensors.keys().map(|key| Ok((key.clone(), self.tensor(key)?))).collect()
    }
}

fn unreadable(name: &str, error: &std::io::Error) -> Error {
    Error::data(name, error.to_string(), "a file that can be read", "check the path")
}

fn read(name: &str, reader: &mut (impl Read + Seek), range: Range<u64>) -> Result<Vec<u8>> {
    let length = usize::try_from(range.end - range.start)
        .map_err(|_| damaged(name, "a tensor larger than the memory"))?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| damaged(name, "a tensor larger than the memory"))?;
    bytes.resize(length, 0);
    reader.seek(SeekFrom::Start(range.start)).map_err(|e| unreadable(name, &e))?;
    reader.read_exact(&mut bytes).map_err(|e| unreadable(name, &e))?;
    Ok(bytes)
}

/// The tensors of a safetensors file. `name` appears in errors.
///
/// # Errors
/// `Data` for a damaged file, `DType` for a dtype there is not.
pub fn load_safetensors(name: &str, bytes: &[u8]) -> Result<StateDict> {
    SafeFile::new(name, std::io::Cursor::new(bytes))?.tensors()
}

/// The bytes of a safetensors file that holds `tensors` and `notes`. Computes them first, in one plan.
///
/// # Errors
/// `Argument` for a tensor named `__metadata__`, and those of computing.
pub async fn save_safetensors(tensors: &StateDict, notes: &Notes) -> Result<Vec<u8>> {
    const OP: &str = "save_safetensors";
    if tensors.contains_key(NOTES) {
        let got = format!("a tensor named {NOTES}");
        return Err(Error::argument(OP, got, "another name", "rename it; notes are given apart"));
    }
    realize_all(&tensors.values().cloned().collect::<Vec<_>>())?;
    // Larger elements first, so that all lie at multiples of their size.
    let mut order: Vec<_> = tensors.iter().collect();
    order.sort_by_key(|(_, tensor)| std::cmp::Reverse(tensor.dtype().size()));
    let (mut header, mut data) = (Map::new(), Vec::new());
    if !notes.is_empty() {
        header.insert(NOTES.into(), json!(notes));
    }
    for (name, tensor) in order {
        let from = data.len();
        data.extend_from_slice(&tensor.data().await?.to_bytes());
        let dtype = tensor.dtype().name();
        let code = DTYPES.iter().find(|(_, ours, _)| *ours == dtype).map_or(dtype, |(theirs, ..)| theirs);
        let entry =
            json!({ "dtype": code, "shape": tensor.shape().to_vec(), "data_offsets": [from, data.len()] });
        header.insert(name.clone(), entry);
    }
    let mut text = Value::Object(header).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(PREFIX as usize), b' ');
    Ok([&(text.len() as u64).to_le_bytes()[..], &text, &data].concat())
}
