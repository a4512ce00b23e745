//! Weights that lie in files beside the model.

use super::{
    Model,
    load::decode,
    proto::{EXTERNAL, TensorProto},
};
use crate::error::{Error, Result};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Component, Path},
};

/// A part of a file beside the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The file's path from the model's folder.
    pub location: String,
    pub offset: u64,
    /// To the end of the file where it is not said.
    pub length: Option<u64>,
}

impl Model {
    /// Reads a model from a file, and its weights from files in the same folder where they lie there.
    ///
    /// # Errors
    /// `Data` for a file that cannot be read or lies elsewhere, and those of [`Model::load`].
    pub fn open(path: impl AsRef<Path>) -> Result<Model> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| unreadable(path, &e))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Model::load_with(&bytes, |part| read(folder, part))
    }

    /// Where the weights lie that are not in the file itself.
    ///
    /// # Errors
    /// `Data` for a damaged file.
    pub fn parts(bytes: &[u8]) -> Result<Vec<Part>> {
        let model = decode(bytes)?;
        let weights = model.graph.iter().flat_map(|graph| &graph.initializer);
        weights.filter(|t| t.data_location == EXTERNAL).map(part).collect()
    }

    /// [`Model::load`] for a model whose weights lie in other files, which `read` gives part by part.
    ///
    /// # Errors
    /// Those of `read` and of [`Model::load`].
    pub fn load_with(bytes: &[u8], mut read: impl FnMut(&Part) -> Result<Vec<u8>>) -> Result<Model> {
        let mut model = decode(bytes)?;
        let weights = model.graph.iter_mut().flat_map(|graph| &mut graph.initializer);
        for t in weights.filter(|t| t.data_location == EXTERNAL) {
            t.raw_data = Some(read(&part(t)?)?.into());
            t.data_location = 0;
        }
        Model::of(&model)
    }
}

fn part(t: &TensorProto) -> Result<Part> {
    let value = |key: &str| t.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
    let number = |key: &str| value(key).map(str::parse::<u64>).transpose();
    match (value("location"), number("offset"), number("length")) {
        (Some(location), Ok(offset), Ok(length)) => {
            Ok(Part { location: location.to_string(), offset: offset.unwrap_or(0), length })
        }
        _ => {
            let op = format!("onnx initialiser \"{}\"", t.name);
            let got = format!("{:?}", t.external_data);
            Err(Error::data(&op, got, "location, offset and length", "export the model again"))
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let op = format!("onnx {}", path.display());
    Error::data(&op, error.to_string(), "a file that can be read", "check the path")
}

fn read(folder: &Path, part: &Part) -> Result<Vec<u8>> {
    let location = Path::new(&part.location);
    let inside = location.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    if !inside {
        let got = format!("weights in \"{}\"", part.location);
        return Err(Error::data(
            "onnx",
            got,
            "a file in the model's folder",
            "move it there and save the model again",
        ));
    }
    let path = folder.join(location);
    let mut bytes = Vec::new();
    let whole = File::open(&path).and_then(|mut file| {
        file.seek(SeekFrom::Start(part.offset))?;
        file.take(part.length.unwrap_or(u64::MAX)).read_to_end(&mut bytes)
    });
    whole.map_err(|e| unreadable(&path, &e))?;
    Ok(bytes)
}
