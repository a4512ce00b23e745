//! Printing as NumPy's `str(array)` does: its alignment, its switch to scientific notation, its summary.

use super::Data;
use crate::graph::DType;

const PRECISION: usize = 8;
const WIDTH: usize = 75;
const THRESHOLD: usize = 1000;
const EDGE: usize = 3;

/// The values in that shape, as NumPy prints them.
pub fn format(shape: &[usize], data: &Data) -> String {
    if data.is_empty() {
        return "[]".into();
    }
    let edge = if data.len() > THRESHOLD { EDGE } else { usize::MAX };
    let shown = shown_positions(shape, edge);
    if shape.is_empty() && data.dtype().is_float() {
        return scalar(data.get(0), data.dtype());
    }
    let cells = cells(data, &shown);
    if shape.is_empty() {
        return cells[0].clone();
    }
    let mut next = cells.iter();
    let mut out = String::new();
    write_axis(&mut out, shape, edge, 0, &mut next);
    out
}

/// Row-major positions of what a summary shows.
fn shown_positions(shape: &[usize], edge: usize) -> Vec<usize> {
    shape.iter().fold(vec![0], |before, n| {
        let inside: Vec<usize> = (0..*n).filter(|i| is_shown(*i, *n, edge)).collect();
        before.iter().flat_map(|p| inside.iter().map(move |i| p * n + i)).collect()
    })
}

fn is_shown(i: usize, n: usize, edge: usize) -> bool {
    is_whole(n, edge) || i < edge || i >= n - edge
}

fn is_whole(n: usize, edge: usize) -> bool {
    n <= edge.saturating_mul(2)
}

/// The text of each shown element, all of one width.
fn cells(data: &Data, shown: &[usize]) -> Vec<String> {
    let numbers = || shown.iter().map(|i| data.get(*i));
    let texts: Vec<String> = match data {
        Data::Bool(v) => shown.iter().map(|i| if v[*i] { "True".into() } else { "False".into() }).collect(),
        Data::I64(v) => shown.iter().map(|i| v[*i].to_string()).collect(),
        _ if data.dtype().is_float() => floats(&numbers().collect::<Vec<_>>(), data.dtype()),
        _ => numbers().map(|x| (x as i64).to_string()).collect(),
    };
    let width = texts.iter().map(String::len).max().unwrap_or(0);
    texts.into_iter().map(|t| format!("{t:>width$}")).collect()
}

fn floats(values: &[f64], dtype: DType) -> Vec<String> {
    let sizes = || values.iter().map(|v| v.abs()).filter(|v| v.is_finite() && *v != 0.0);
    let (least, most) = (sizes().fold(f64::INFINITY, f64::min), sizes().fold(0f64, f64::max));
    let scientific = most > 0.0 && (most >= 1e8 || least < 1e-4 || most / least > 1000.0);
    let parts: Vec<(String, String, String)> = values.iter().map(|v| split(*v, dtype, scientific)).collect();
    let finite = || parts.iter().filter(|p| p.1.starts_with('.'));
    let left = finite().map(|p| p.0.len()).max().unwrap_or(0);
    let right = finite().map(|p| p.1.len()).max().unwrap_or(0);
    let special = |p: &(String, String, String)| !p.1.starts_with('.');
    parts
        .iter()
        .map(|p| match (special(p), scientific) {
            (true, _) => p.0.clone(),
            (false, false) => format!("{:>left$}{:<right$}", p.0, p.1),
            (false, true) => format!("{:>left$}.{:0<digits$}{}", p.0, &p.1[1..], p.2, digits = right - 1),
        })
        .collect()
}

/// A float alone: `1.0`, and scientific outside `1e-4..1e6` (float64: `1e-4..1e16`).
fn scalar(v: f64, dtype: DType) -> String {
    let (size, most) = (v.abs(), if dtype == DType::F64 { 1e16 } else { 1e6 });
    let (whole, fraction, exponent) = split(v, dtype, size != 0.0 && !(1e-4..most).contains(&size));
    match (fraction.as_str(), exponent.is_empty()) {
        (".", true) => format!("{whole}.0"),
        (".", false) => format!("{whole}{exponent}"),
        _ => format!("{whole}{fraction}{exponent}"),
    }
}

/// The text before the point, from the point on, and the exponent; nan and inf are one word.
fn split(v: f64, dtype: DType, scientific: bool) -> (String, String, String) {
    if !v.is_finite() {
        let word = if v.is_nan() {
            "nan"
        } else if v > 0.0 {
            "inf"
        } else {
            "-inf"
        };
        return (word.into(), String::new(), String::new());
    }
    let shorter =
        |unique: String, limited: String| if unique.len() > limited.len() { limited } else { unique };
    if !scientific {
        let unique: f64 = shortest(v, dtype).parse().unwrap_or(v);
        let text = shorter(format!("{unique}"), format!("{v:.PRECISION$}"));
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        return (whole.into(), format!(".{}", fraction.trim_end_matches('0')), String::new());
    }
    let unique = shortest(v, dtype);
    let limited = format!("{v:.PRECISION$e}");
    let text = shorter(unique, limited);
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(e) => ('-', e),
        None => ('+', exponent),
    };
    (whole.into(), format!(".{}", fraction.trim_end_matches('0')), format!("e{sign}{exponent:0>2}"))
}

/// The fewest digits that name the value among those of its dtype.
fn shortest(v: f64, dtype: DType) -> String {
    match dtype {
        DType::F64 => format!("{v:e}"),
        DType::F16 | DType::BF16 => {
            let texts = (0..6).map(|digits| format!("{v:.digits$e}"));
            texts.into_iter().find(|t| t.parse().is_ok_and(|x| dtype.hold(x) == v)).unwrap_or_default()
        }
        _ => format!("{:e}", v as f32),
    }
}

fn write_axis<'a>(
    out: &mut String,
    shape: &[usize],
    edge: usize,
    depth: usize,
    cells: &mut impl Iterator<Item = &'a String>,
) {
    let (n, last) = (shape[depth], depth + 1 == shape.len());
    let indent = " ".repeat(depth + 1);
    out.push('[');
    let mut column = depth + 1;
    for i in (0..n).filter(|i| is_shown(*i, n, edge)) {
        let gap = i == n.saturating_sub(edge) && !is_whole(n, edge);
        if last {
            let cell = cells.next().map_or("", String::as_str);
            for word in gap.then_some("...").into_iter().chain([cell]) {
                if column + word.len() > WIDTH - shape.len() && column > depth + 1 {
                    out.truncate(out.trim_end_matches(' ').len());
                    out.push('\n');
                    out.push_str(&indent);
                    column = depth + 1;
                }
                out.push_str(word);
                out.push(' ');
                column += word.len() + 1;
            }
        } else {
            let newlines = "\n".repeat(shape.len() - depth - 1);
            if i > 0 {
                out.push_str(&newlines);
                out.push_str(&indent);
            }
            if gap {
                out.push_str("...");
                out.push_str(&newlines);
                out.push_str(&indent);
            }
            write_axis(out, shape, edge, depth + 1, cells);
        }
    }
    if last {
        out.pop();
    }
    out.push(']');
}
