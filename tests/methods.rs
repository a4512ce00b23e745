//! The table of methods is whole: every public method of `Tensor` has a row, every row a case, and calls by name
//! refuse what they cannot take.

use playgrad::{
    graph::DType,
    methods::{self, METHODS, Value},
    tensor::Tensor,
};
use serde_json::Value as Json;
use std::{collections::HashSet, fs, path::Path};

/// Public methods that are Rust's own: other languages have them in another form.
const RUST_ONLY: &[(&str, &str)] = &[
    ("from_node", "makes a tensor of a graph"),
    ("node", "shows the graph"),
    ("same", "compares handles"),
    ("set_grad", "for optimizers"),
    ("set_requires_grad", "a property elsewhere"),
    ("backward_from", "`backward` with a gradient elsewhere"),
    ("max_pool2d_with_indices", "`max_pool2d` with `return_indices`"),
    ("set_training", "a property elsewhere"),
    ("from_slice", "from a Rust slice; `from` elsewhere"),
    ("from_bytes", "from bytes; `from` elsewhere"),
    ("scalar", "`from` elsewhere"),
    ("scalar_value", "`item` elsewhere"),
    ("to_vec", "`data` elsewhere"),
    ("pad_mode", "`pad` elsewhere"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of every file in a folder.
fn rows_of(folder: &str) -> Vec<Json> {
    let mut rows = Vec::new();
    for file in fs::read_dir(root().join(folder)).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        rows.extend(serde_json::from_str::<Vec<Json>>(&text).unwrap());
    }
    rows
}

fn json_rows() -> Vec<Json> {
    rows_of("crate/methods")
}

/// Names of `pub fn` in `impl Tensor`, read from the sources.
fn public_methods() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("crate/src/tensor")];
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()) {
            if file.is_dir() {
                folders.push(file);
                continue;
            }
            let mut inside = false;
            for line in fs::read_to_string(&file).unwrap().lines() {
                if !line.starts_with([' ', '}']) && !line.is_empty() {
                    inside = line.starts_with("impl Tensor {");
                }
                let rest = line.strip_prefix("    pub fn ").or(line.strip_prefix("    pub async fn "));
                if let (true, Some(rest)) = (inside, rest) {
                    let end = rest.find(['(', '<']).unwrap();
                    found.push((rest[..end].into(), file.file_name().unwrap().to_string_lossy().into()));
                }
            }
        }
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

#[test]
fn every_public_method_has_a_row() {
    let rows = json_rows();
    let mut known: HashSet<&str> = RUST_ONLY.iter().map(|(name, _)| *name).collect();
    for row in &rows {
        known.extend(row["name"].as_str());
        known.extend(row["aliases"].as_array().into_iter().flatten().filter_map(Json::as_str));
        known.extend(words(row["rust"].as_str().unwrap_or("")));
    }
    let methods = public_methods();
    assert!(methods.len() > 100, "only {} methods found in the sources", methods.len());
    let missing: Vec<_> = methods.iter().filter(|(name, _)| !known.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "without a row in crate/methods: {missing:?}");
}

#[test]
fn every_row_says_what_it_is() {
    for row in json_rows() {
        for key in ["name", "doc", "example"] {
            assert!(row[key].as_str().is_some_and(|text| !text.is_empty()), "no `{key}` in {row}");
        }
        let keys = ["name", "aliases", "static", "args", "rust", "returns", "face", "kind", "no_case"];
        let rest = ["doc", "source", "example"];
        for key in row.as_object().unwrap().keys() {
            assert!(keys.contains(&key.as_str()) || rest.contains(&key.as_str()), "`{key}` in {row}");
        }
    }
    let mut names = HashSet::new();
    for method in METHODS {
        for name in [&[method.name], method.aliases].concat() {
            assert!(names.insert(name), "two methods are called `{name}`");
        }
    }
}

/// A case in tests/reference, or the reason why there is none.
#[test]
fn every_row_has_a_case() {
    let cases = rows_of("tests/reference/values");
    let cases: HashSet<&str> = cases.iter().filter_map(|case| case["op"].as_str()).collect();
    let rows = json_rows();
    let reason = |name: &str| {
        let row = rows.iter().find(|row| row["name"] == name && row["face"].is_null()).unwrap();
        row["no_case"].as_str().is_some_and(|why| !why.is_empty())
    };
    let bare: Vec<_> =
        METHODS.iter().map(|m| m.name).filter(|name| !cases.contains(name) && !reason(name)).collect();
    assert!(bare.is_empty(), "neither a case in tests/reference/cases nor a `no_case` reason: {bare:?}");
}

fn ones() -> Tensor {
    Tensor::ones(&[2, 3]).unwrap()
}

fn tensor(value: Value) -> Tensor {
    if let Value::Tensor(tensor) = value { tensor } else { panic!("gives {value}") }
}

#[test]
fn arguments_bind_by_position_name_and_default() {
    let x = ones();
    let shape = |args: &[Value], named: &[(&str, Value)]| {
        tensor(methods::call("sum", Some(&x), args, named).unwrap()).shape().to_vec()
    };
    assert!(shape(&[], &[]).is_empty());
    assert_eq!(shape(&[Value::Int(0)], &[]), [3]);
    assert_eq!(shape(&[Value::Int(-1), Value::Bool(true)], &[]), [2, 1]);
    assert_eq!(shape(&[], &[("axis", vec![0usize, 1].into()), ("keepdim", true.into())]), [1, 1]);
    for args in [vec![Value::Int(3), Value::Int(2)], vec![vec![3usize, 2].into()]] {
        assert_eq!(
            tensor(methods::call("reshape", Some(&x), &args, &[]).unwrap()).shape().as_slice(),
            [3, 2]
        );
        assert_eq!(tensor(methods::call("zeros", None, &args, &[]).unwrap()).shape().as_slice(), [3, 2]);
    }
    assert_eq!(
        tensor(methods::call("view", Some(&x), &[Value::Int(-1)], &[]).unwrap()).shape().as_slice(),
        [6]
    );
    assert_eq!(tensor(methods::call("zeros", None, &[], &[]).unwrap()).ndim(), 0);
    let joined = methods::call("cat", None, &[x.clone().into(), x.clone().into()], &[("dim", Value::Int(1))]);
    assert_eq!(tensor(joined.unwrap()).shape().as_slice(), [2, 6]);
    let cast = methods::call("cast", Some(&x), &[DType::I32.into()], &[]).unwrap();
    assert_eq!(tensor(cast).dtype(), DType::I32);
}

#[test]
fn wrong_arguments_are_errors_that_name_them() {
    let x = ones();
    type Named = &'static [(&'static str, Value)];
    let refused: [(&str, &[Value], Named, &str); 9] = [
        ("sumt", &[], &[], "method"),
        ("sum", &[Value::Float(0.5)], &[], "axis [0.5]"),
        (
            "sum",
            &[Value::Int(0), Value::Bool(true), Value::Int(1), Value::Int(1), Value::Int(1)],
            &[],
            "at most",
        ),
        ("sum", &[], &[("axes", Value::Int(0))], "`axes`"),
        ("sum", &[Value::Int(0)], &[("axis", Value::Int(0))], "`axis` twice"),
        ("softmax", &[Value::None], &[], "axis none"),
        ("add", &[], &[], "no other"),
        ("matmul", &[Value::Int(2)], &[], "other 2"),
        ("one_hot", &[Value::Int(-1)], &[], "num_classes -1"),
    ];
    for (name, args, named, part) in refused {
        let error = methods::call(name, Some(&x), args, named).err().expect(name).to_string();
        assert!(error.contains(part) && error.contains("Fix:"), "{name}: {error}");
    }
    assert!(methods::call("relu", None, &[], &[]).is_err());
}
