//! What crosses: a JSON object and parts of bytes.

use playgrad::{Error, Kind, Result, graph::DType, io::onnx::Stored};
use serde_json::{Map, Value, json};

#[derive(Debug, Default)]
pub struct Message {
    pub fields: Map<String, Value>,
    pub parts: Vec<Vec<u8>>,
}

pub fn damaged(what: &str) -> Error {
    Error::data("reader", what, "a request as reader.ts writes it", "use files of one playgrad version")
}

impl Message {
    pub fn of(fields: Value, parts: Vec<Vec<u8>>) -> Message {
        let fields = if let Value::Object(fields) = fields { fields } else { Map::new() };
        Message { fields, parts }
    }

    pub fn error(error: Error) -> Message {
        let kind = match error.kind {
            Kind::Shape => "Shape",
            Kind::DType => "DType",
            Kind::Device => "Device",
            Kind::Data => "Data",
            Kind::Argument => "Argument",
            Kind::Kernel => "Kernel",
        };
        Message::of(json!({ "error": [kind, error.op, error.got, error.expected, error.fix] }), Vec::new())
    }

    pub fn read(bytes: Vec<u8>) -> Result<Message> {
        let short = || damaged("a request that is cut off");
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
        let (text, mut rest) =
            rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(short)?;
        let Ok(Value::Object(fields)) = serde_json::from_slice(text) else {
            return Err(damaged("a request that is no JSON object"));
        };
        let mut message = Message { fields, parts: Vec::new() };
        for length in message.sizes("parts")? {
            let (part, after) = rest.split_at_checked(length).ok_or_else(short)?;
            message.parts.push(part.to_vec());
            rest = after;
        }
        Ok(message)
    }

    /// Its bytes, their length before them.
    pub fn write(mut self) -> Vec<u8> {
        let lengths: Vec<usize> = self.parts.iter().map(Vec::len).collect();
        self.fields.insert("parts".into(), lengths.iter().copied().collect());
        let text = Value::Object(self.fields).to_string();
        let length = 4 + text.len() + lengths.iter().sum::<usize>();
        let mut out = Vec::with_capacity(4 + length);
        out.extend((length as u32).to_le_bytes());
        out.extend((text.len() as u32).to_le_bytes());
        out.extend(text.as_bytes());
        self.parts.iter().for_each(|part| out.extend(part));
        out
    }

    pub fn text(&self, name: &str) -> Result<&str> {
        self.fields.get(name).and_then(Value::as_str).ok_or_else(|| damaged(name))
    }

    pub fn number(&self, name: &str) -> Result<usize> {
        self.fields.get(name).and_then(Value::as_u64).map(|n| n as usize).ok_or_else(|| damaged(name))
    }

    pub fn list(&self, name: &str) -> Result<&[Value]> {
        self.fields.get(name).and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| damaged(name))
    }

    pub fn sizes(&self, name: &str) -> Result<Vec<usize>> {
        sizes(self.list(name)?)
    }

    pub fn texts(&self, name: &str) -> Result<Vec<String>> {
        let text = |v: &Value| v.as_str().map(str::to_string).ok_or_else(|| damaged(name));
        self.list(name)?.iter().map(text).collect()
    }

    pub fn part(&mut self, i: usize) -> Result<Vec<u8>> {
        self.parts.get_mut(i).map(std::mem::take).ok_or_else(|| damaged("a part that is missing"))
    }
}

pub fn sizes(list: &[Value]) -> Result<Vec<usize>> {
    let size = |v: &Value| v.as_u64().map(|n| n as usize).ok_or_else(|| damaged("a size that is no number"));
    list.iter().map(size).collect()
}

/// `{ dtype, shape }`, the dtype by its name.
pub fn described(dtype: DType, shape: &[usize]) -> Value {
    json!({ "dtype": dtype.name(), "shape": shape })
}

/// The dtype and shape that [`described`] wrote, with its bytes.
pub fn stored(kind: &Value, bytes: Vec<u8>) -> Result<Stored> {
    let wrong = || damaged("a tensor without dtype or shape");
    let dtype = kind["dtype"].as_str().and_then(DType::parse).ok_or_else(wrong)?;
    Ok(Stored { dtype, shape: sizes(kind["shape"].as_array().ok_or_else(wrong)?)?, bytes })
}
