//! Sums of products by a formula of letters, one letter an axis.

use super::{Tensor, build, operand, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, DType, Node, Shape, Window},
};
use std::collections::BTreeMap;

/// A node with the letter of each of its axes. The axes of `...` have letters beyond ASCII.
struct Term {
    letters: Vec<char>,
    node: Node,
}

fn wrong(formula: &str, expected: impl Into<String>) -> Error {
    Error::argument(
        "einsum",
        format!("\"{formula}\""),
        expected,
        "write it like \"ij,jk->ik\" or \"...ij->...ji\"",
    )
}

fn dots(from: usize, to: usize) -> impl Iterator<Item = char> {
    (from..to).filter_map(|i| char::from_u32(0x100 + i as u32))
}

/// The letters of one part, `...` as the last `rest` of `most` axes.
fn letters(formula: &str, part: &str, rest: usize, most: usize) -> Result<Vec<char>> {
    let (before, after) = part.split_once("...").unwrap_or((part, ""));
    let middle = if part.contains("...") { rest } else { 0 };
    let all: Vec<char> = before.chars().chain(dots(most - middle, most)).chain(after.chars()).collect();
    if before.chars().chain(after.chars()).all(|c| c.is_ascii_alphabetic()) {
        return Ok(all);
    }
    Err(wrong(formula, format!("letters and at most one ... in \"{part}\"")))
}

/// The letters of each operand and of the result.
fn parse(formula: &str, ranks: &[usize]) -> Result<(Vec<Vec<char>>, Vec<char>)> {
    let text: String = formula.chars().filter(|c| !c.is_whitespace()).collect();
    let (left, right) = text.split_once("->").map_or((&text[..], None), |(l, r)| (l, Some(r)));
    let parts: Vec<&str> = left.split(',').collect();
    if parts.len() != ranks.len() {
        return Err(wrong(formula, format!("a part for each of the {} operands", ranks.len())));
    }
    let rests = parts.iter().zip(ranks).map(|(part, rank)| {
        let named = part.len() - if part.contains("...") { 3 } else { 0 };
        let fits = named == *rank || (named < *rank && part.contains("..."));
        let expected = || wrong(formula, format!("\"{part}\" to name the {rank} axes of its operand"));
        if fits { Ok(rank - named) } else { Err(expected()) }
    });
    let rests = rests.collect::<Result<Vec<_>>>()?;
    let most = rests.iter().copied().max().unwrap_or(0);
    let inputs = parts.iter().zip(&rests).map(|(part, rest)| letters(formula, part, *rest, most));
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    let output = match right {
        Some(part) => letters(formula, part, most, most)?,
        None => {
            let mut counts = BTreeMap::new();
            inputs.iter().flatten().for_each(|c| *counts.entry(*c).or_insert(0) += 1);
            let once = counts.into_iter().filter(|(c, n)| c.is_ascii() && *n == 1).map(|(c, _)| c);
            dots(0, most).chain(once).collect()
        }
    };
    let unknown =
        |c: &char| !inputs.iter().any(|i| i.contains(c)) || output.iter().filter(|o| *o == c).count() > 1;
    if output.iter().any(unknown) {
        return Err(wrong(formula, "letters of the operands behind ->, each once"));
    }
    Ok((inputs, output))
}

impl Term {
    /// Axes with one letter become their diagonal.
    fn of(letters: Vec<char>, node: Node) -> Term {
        let mut term = Term { letters, node };
        while let Some((a, b)) = term.repeated() {
            let (n, rank) = (term.node.shape[a], term.letters.len());
            let order: Axes = (0..rank).filter(|i| *i != a && *i != b).chain([a, b]).collect();
            term.letters = order[..rank - 1].iter().map(|i| term.letters[*i]).collect();
            let turned = build::permute(&term.node, &order);
            let mut shape = Shape::from_slice(&turned.shape[..rank - 1]);
            shape[rank - 2] = n * n;
            let flat = build::reshape(&turned, &shape);
            shape[rank - 2] = n;
            let steps = Window { axis: rank - 2, size: 1, stride: n + 1, dilation: 1 };
            term.node = if n == 0 { flat } else { build::reshape(&build::window(&flat, steps, n), &shape) };
        }
        term
    }

    fn repeated(&self) -> Option<(usize, usize)> {
        let later = |a: usize| (a + 1..self.letters.len()).find(|b| self.letters[a] == self.letters[*b]);
        (0..self.letters.len()).find_map(|a| Some((a, later(a)?)))
    }

    /// The axes in the order of `to`, with size 1 where this lacks a letter.
    fn aligned(&self, to: &[char]) -> Node {
        let place = |c: &char| self.letters.iter().position(|l| l == c);
        let order: Axes = to.iter().filter_map(place).collect();
        let line: Shape = to.iter().map(|c| place(c).map_or(1, |i| self.node.shape[i])).collect();
        build::reshape(&build::permute(&self.node, &order), &line)
    }

    /// Sums the letters that are not kept.
    fn only(self, kept: impl Fn(&char) -> bool) -> Term {
        let axes: Axes = (0..self.letters.len()).filter(|i| !kept(&self.letters[*i])).collect();
        if axes.is_empty() {
            return self;
        }
        let node = shape::without(&build::sum(&self.node, &axes), &axes);
        Term { letters: self.letters.into_iter().filter(kept).collect(), node }
    }

    /// The products with `other`, summed over the letters that are not kept.
    fn times(self, other: Term, kept: impl Fn(&char) -> bool, sizes: &BTreeMap<char, usize>) -> Result<Term> {
        let a = self.only(|c| kept(c) || other.letters.contains(c));
        let b = other.only(|c| kept(c) || a.letters.contains(c));
        let (in_a, in_b) = (|c: &char| a.letters.contains(c), |c: &char| b.letters.contains(c));
        let all = || a.letters.iter().chain(b.letters.iter().filter(|c| !in_a(c))).copied();
        let batch = all().filter(|c| kept(c) && in_a(c) && in_b(c));
        let single = all().filter(|c| kept(c) && !(in_a(c) && in_b(c)));
        let letters: Vec<char> = batch.chain(single).collect();
        let order: Vec<char> = letters.iter().copied().chain(all().filter(|c| !kept(c))).collect();
        let full: Shape = order.iter().map(|c| sizes[c]).collect();
        shape::checked("einsum", &full)?;
        let [left, right] = [&a, &b].map(|t| build::expand(&t.aligned(&order), &full));
        let summed: Axes = (letters.len()..order.len()).collect();
        let products = build::mul(&left, &right);
        Ok(Term { letters, node: shape::without(&build::sum(&products, &summed), &summed) })
    }
}

impl Tensor {
    /// The sum of the products of the operands' elements by Einstein's convention, as NumPy's and PyTorch's
    /// `einsum`: a letter for each axis, `...` for axes that broadcast, a letter twice for a diagonal; letters that
    /// are not behind `->` are summed. Without `->` the result has `...` and the letters that stand once, sorted.
    /// Products are taken from left to right, each summed as soon as it can be.
    pub fn einsum(formula: &str, operands: &[Tensor], dtype: Option<DType>) -> Result<Tensor> {
        let all: Vec<&Tensor> = operands.iter().collect();
        let (wide, dtype) = operand::product_dtypes(&all, dtype);
        let nodes: Vec<Node> = operands.iter().map(|x| build::cast(&x.node(), wide)).collect();
        let ranks: Vec<usize> = nodes.iter().map(|n| n.shape.len()).collect();
        let (inputs, output) = parse(formula, &ranks)?;
        let mut sizes: BTreeMap<char, usize> = BTreeMap::new();
        for (letters, node) in inputs.iter().zip(&nodes) {
            for (letter, n) in letters.iter().zip(&node.shape) {
                let known = sizes.entry(*letter).or_insert(*n);
                let twice = letters.iter().filter(|l| *l == letter).count() > 1;
                if *known != *n && (twice || (*known != 1 && *n != 1)) {
                    return Err(Error::shape(
                        "einsum",
                        format!("\"{formula}\" with sizes {known} and {n} for one letter"),
                        "one size for each letter",
                        "transpose or reshape an operand, or use another letter",
                    ));
                }
                *known = if *known == 1 { *n } else { *known };
            }
        }
        let mut terms =
            inputs.into_iter().zip(nodes).map(|(l, n)| Term::of(l, n)).collect::<Vec<_>>().into_iter();
        let mut total = terms.next().ok_or_else(|| wrong(formula, "at least one operand"))?;
        while let Some(term) = terms.next() {
            let later = terms.as_slice();
            let kept = |c: &char| output.contains(c) || later.iter().any(|t| t.letters.contains(c));
            total = total.times(term, kept, &sizes)?;
        }
        let total = total.only(|c| output.contains(c));
        Ok(Tensor::from_node(build::cast(&total.aligned(&output), dtype)))
    }
}
