//! Turns `crate/methods/*.json` into the static table that `crate/src/methods` dispatches by.

use serde_json::Value as Json;
use std::{env, fmt::Write, fs, path::Path};

/// A type of the table: its name, the variant of `Kind`, and the accessor (also of its optional form).
const TYPES: [(&str, &str, &str); 20] = [
    ("tensor", "Tensor", "tensor"),
    ("operand", "Operand", "operand"),
    ("number", "Number", "operand"),
    ("int", "Int", "int"),
    ("size", "Size", "size"),
    ("float", "Float", "float"),
    ("bool", "Bool", "bool"),
    ("str", "Str", "str"),
    ("dtype", "DType", "dtype"),
    ("axes", "Axes", "axes"),
    ("ints", "Ints", "ints"),
    ("sizes", "Sizes", "sizes"),
    ("ranges", "Ranges", "ranges"),
    ("pads", "Pads", "pads"),
    ("any", "Any", "any"),
    ("tensors", "Tensors", "tensors"),
    ("index", "Index", "index"),
    ("slices", "Slices", "slices"),
    ("shape", "Shape", "sizes"),
    ("dims", "Dims", "ints"),
];

struct Parameter<'a> {
    name: &'a str,
    kind: &'static str,
    accessor: &'static str,
    optional: bool,
    default: Option<&'a str>,
}

fn main() {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("crate/methods");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let mut table =
        String::from("/// Every method, in the order of the files.\npub static METHODS: &[Method] = &[\n");
    let mut checksum: u32 = 0;
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "json")) {
        let text = fs::read_to_string(file).unwrap();
        let rows: Vec<Json> =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        for row in rows.iter().filter(|r| r["face"].is_null() && r["kind"].is_null()) {
            let name =
                row["name"].as_str().unwrap_or_else(|| panic!("{}: a row without name", file.display()));
            for unit in format!("{name}({})\n", row["args"].as_str().unwrap_or("")).encode_utf16() {
                checksum = checksum.wrapping_mul(31).wrapping_add(unit.into());
            }
            table.push_str(&method(row, name).unwrap_or_else(|e| panic!("{}: {name}: {e}", file.display())));
        }
    }
    table.push_str("];\n");
    write!(table, "/// Of the names and parameters, to tell whether two sides have the same table.\npub const CHECKSUM: u32 = {checksum};\n").unwrap();
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("methods.rs"), table).unwrap();
}

fn method(row: &Json, name: &str) -> Result<String, String> {
    let text = row["args"].as_str().unwrap_or("");
    let mut positional = None;
    let mut parameters = Vec::new();
    for part in split(text) {
        if part == "*" {
            positional = Some(parameters.len());
        } else {
            parameters.push(parameter(part)?);
        }
    }
    let on_class = row["static"] == true;
    let names: Vec<&str> = parameters.iter().map(|p| p.name).collect();
    let called = if on_class { "Tensor::" } else { "x." };
    let written = format!("{called}{name}({})", names.join(", "));
    let expression = row["rust"].as_str().unwrap_or(&written);
    let mut lets = String::new();
    if !on_class {
        lets.push_str("let x = &call.this(); ");
    }
    for (i, p) in parameters.iter().enumerate() {
        let (name, accessor) = (p.name, p.accessor);
        let may = if p.optional && accessor != "axes" { "optional_" } else { "" };
        write!(lets, "let {name} = call.{may}{accessor}({i}); ").unwrap();
    }
    let returns = row["returns"].as_str().unwrap_or("tensor");
    let run = match returns {
        "tensor" => format!("Run::Tensor(|call| {{ {lets}{expression} }})"),
        "tensors" => format!("Run::Tensors(|call| {{ {lets}{expression} }})"),
        "tensor | tensors" => format!("Run::Value(|call| {{ {lets}{expression} }})"),
        "bool" | "int" | "float" | "str" => {
            format!("Run::Value(|call| {{ {lets}Ok(Value::from({expression}?)) }})")
        }
        "async tensor" | "async tensors" => format!(
            "Run::Later(|mut call| Box::pin(async move {{ {lets}Ok(Value::from(({expression}).await?)) }}))"
        ),
        other => return Err(format!("unknown `returns`: {other}")),
    };
    let mut args = String::new();
    for p in &parameters {
        let default = default(p)?;
        write!(
            args,
            "Arg {{ name: {:?}, kind: Kind::{}, optional: {}, default: {default} }}, ",
            p.name, p.kind, p.optional
        )
        .unwrap();
    }
    let aliases: Vec<&str> =
        row["aliases"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    Ok(format!(
        "Method {{ name: {name:?}, aliases: &{aliases:?}, on_class: {on_class}, positional: {}, \
         args: &[{args}], run: {run} }},\n",
        positional.unwrap_or(parameters.len()),
    ))
}

/// The parts between commas that stand outside brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[from..i].trim());
                from = i + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|p| !p.is_empty());
    parts
}

fn parameter(text: &str) -> Result<Parameter<'_>, String> {
    let (name, rest) = text.split_once(':').ok_or_else(|| format!("`{text}` lacks a type"))?;
    let (kind, default) = match rest.split_once('=') {
        Some((kind, default)) => (kind.trim(), Some(default.trim())),
        None => (rest.trim(), None),
    };
    let (kind, optional) = kind.strip_suffix('?').map_or((kind, false), |k| (k, true));
    let (_, kind, accessor) =
        TYPES.iter().find(|t| t.0 == kind).ok_or_else(|| format!("unknown type in `{text}`"))?;
    Ok(Parameter { name: name.trim(), kind, accessor, optional: optional || *kind == "Axes", default })
}

fn default(p: &Parameter) -> Result<String, String> {
    let Some(text) = p.default else { return Ok("Default::Required".into()) };
    Ok(match text {
        "None" => "Default::None".into(),
        "True" => "Default::Bool(true)".into(),
        "False" => "Default::Bool(false)".into(),
        "inf" => "Default::Float(f64::INFINITY)".into(),
        "-inf" => "Default::Float(f64::NEG_INFINITY)".into(),
        _ if text.starts_with(['"', '\'']) => {
            format!("Default::Str({:?})", text.trim_matches(['"', '\'']))
        }
        _ if text.starts_with(['[', '(']) => {
            format!("Default::Ints(&[{}])", &text[1..text.len() - 1])
        }
        _ if text.parse::<i64>().is_ok() => format!("Default::Int({text})"),
        _ => match text.parse::<f64>() {
            Ok(v) => format!("Default::Float({v:?})"),
            Err(_) => return Err(format!("unknown default `{text}` of `{}`", p.name)),
        },
    })
}
