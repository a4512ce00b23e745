//! einops' `rearrange`: axes by name, split and joined by brackets.

use super::{Tensor, build};
use crate::{
    error::{Error, Result},
    graph::{Axes, Shape},
};

/// One side of a formula: for each axis the names it is made of.
type Side<'a> = Vec<Vec<&'a str>>;

impl Tensor {
    /// Axes reordered, split and joined by a formula such as `"b (h w) c -> b c h w"`: names for axes, brackets
    /// around names that are one axis, `1` for an axis of size 1, `...` for axes not named. `sizes` gives sizes of
    /// names; each bracket on the left may leave one out.
    pub fn rearrange(&self, formula: &str, sizes: &[(&str, usize)]) -> Result<Tensor> {
        let x = self.node();
        let wrong = |got: String, expected: &str| {
            let got = format!("{got} in \"{formula}\" for shape {:?}", x.shape.as_slice());
            Error::argument("rearrange", got, expected, "write e.g. \"b (h w) c -> b c h w\", with h")
        };
        let sides: Vec<&str> = formula.split("->").collect();
        let [left, right] = sides[..] else {
            return Err(wrong(format!("{} arrows", sides.len() - 1), "one \"->\" between two sides"));
        };
        let read = |text| {
            side(text).ok_or_else(|| wrong("brackets".into(), "brackets in pairs, none inside others"))
        };
        let (left, right) = (read(left)?, read(right)?);
        let rest = (x.shape.len() + 1).saturating_sub(left.len());
        let dots: Vec<String> = (0..rest).map(|i| format!("...{i}")).collect();
        let (left, right) = (with_dots(left, &dots), with_dots(right, &dots));
        if left.len() != x.shape.len() {
            return Err(wrong(format!("{} axes on the left", left.len()), "as many axes as the tensor has"));
        }
        let (names, wanted) = (left.concat(), right.concat());
        let once =
            |list: &[&str]| list.iter().all(|n| is_name(n) && list.iter().filter(|m| *m == n).count() == 1);
        let same = names.len() == wanted.len() && wanted.iter().all(|n| names.contains(n));
        if !(same && once(&names)) {
            return Err(wrong("names".into(), "each name once on both sides"));
        }
        if let Some((name, _)) = sizes.iter().find(|(name, _)| !names.contains(name)) {
            return Err(wrong(format!("a size for `{name}`"), "sizes of names of the formula"));
        }
        let mut split = Shape::new();
        for (group, n) in left.iter().zip(&x.shape) {
            let size = |name: &&str| sizes.iter().find(|(s, _)| s == name).map(|(_, size)| *size);
            let known = group.iter().filter_map(size).fold(1usize, usize::saturating_mul);
            let open = group.iter().filter(|name| size(name).is_none()).count();
            if open > 1 || (open == 1 && (known == 0 || n % known != 0)) || (open == 0 && known != *n) {
                return Err(wrong(format!("({})", group.join(" ")), &format!("sizes that multiply to {n}")));
            }
            split.extend(group.iter().map(|name| size(name).unwrap_or_else(|| n / known)));
        }
        let place = |name: &&str| names.iter().position(|n| n == name);
        let order: Axes = wanted.iter().filter_map(place).collect();
        let length = |group: &Vec<&str>| group.iter().filter_map(place).map(|i| split[i]).product();
        let to: Shape = right.iter().map(length).collect();
        Ok(Tensor::from_node(build::reshape(&build::permute(&build::reshape(&x, &split), &order), &to)))
    }
}

fn side(text: &str) -> Option<Side<'_>> {
    let (mut groups, mut inside) = (Side::new(), false);
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' => 1,
            _ => rest.find(|c: char| c.is_whitespace() || "()".contains(c)).unwrap_or(rest.len()),
        };
        match (&rest[..length], inside) {
            ("(", false) => {
                groups.push(Vec::new());
                inside = true;
            }
            (")", true) => inside = false,
            ("(", true) | (")", false) => return None,
            ("1", false) => groups.push(Vec::new()),
            ("1", true) => {}
            (name, false) => groups.push(vec![name]),
            (name, true) => groups.last_mut()?.push(name),
        }
        rest = rest[length..].trim_start();
    }
    (!inside).then_some(groups)
}

/// `...` as the axes it stands for: each its own, or all in the brackets around it.
fn with_dots<'a>(side: Side<'a>, dots: &'a [String]) -> Side<'a> {
    let mut out = Side::new();
    for group in side {
        match group[..] {
            ["..." | "…"] => out.extend(dots.iter().map(|d| vec![d.as_str()])),
            _ => out.push(
                group
                    .into_iter()
                    .flat_map(|name| match name {
                        "..." | "…" => dots.iter().map(String::as_str).collect(),
                        name => vec![name],
                    })
                    .collect(),
            ),
        }
    }
    out
}

fn is_name(name: &str) -> bool {
    let letters = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    name.starts_with("...") || (letters && !name.starts_with(|c: char| c.is_ascii_digit()))
}
