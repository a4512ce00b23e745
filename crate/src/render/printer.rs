//! Writes expressions of a kernel as statements, each once, as far out as its loops allow.

#[cfg(feature = "cuda")]
mod wide;

use super::{
    Site, Spelling, Target,
    spelling::{Operand, Words},
};
use crate::{
    graph::{Binary, DType, Reduce},
    kernel::{Atom, Cond, Expr, ExprId, Kernel, Lin, RangeId, Store},
};

pub struct Printer<'a> {
    pub kernel: &'a Kernel,
    pub lang: &'a Spelling,
    site: Site<'a>,
    pub out: String,
    depth: usize,
    pub scope: Scope,
    /// What accumulators are called once they are finished.
    pub accs: Vec<String>,
    #[cfg(feature = "cuda")]
    kept: Option<wide::Kept>,
    fresh: usize,
}

/// What has a name where statements are being written.
#[derive(Clone)]
pub struct Scope {
    names: Vec<Option<String>>,
    ranges: Vec<String>,
    /// For a load: the name of the part of its place that is computed further out, and what is to be added.
    bases: Vec<Option<(String, Lin)>>,
    /// For a masked load: the name of whether its mask allows it.
    held: Vec<Option<String>>,
    /// For a load: the neighbours that are loaded, of which this is number `j`.
    wide: Vec<Option<String>>,
    /// Arguments of which neighbours are written together, and the name of these.
    written: Vec<(usize, String)>,
    /// Ends the names of what depends on the ranges named for this scope.
    suffix: String,
}

impl Scope {
    /// The same scope for one of several positions along `ranges`.
    pub fn at(&self, ranges: &[RangeId], suffix: &str) -> Scope {
        let mut scope = self.clone();
        ranges.iter().for_each(|r| scope.ranges[*r] = format!("r{r}{suffix}"));
        scope.suffix = suffix.into();
        scope
    }

    /// With what `inner`, a scope inside the one this came from, names besides.
    pub fn within(&self, inner: &Scope) -> Scope {
        let mut scope = self.clone();
        let known = scope.names.iter_mut().zip(&inner.names);
        known.for_each(|(own, name)| *own = own.take().or_else(|| name.clone()));
        scope
    }
}

impl<'a> Printer<'a> {
    pub fn new(site: Site<'a>) -> Self {
        let kernel = site.kernel;
        let accs = (0..kernel.accs.len()).map(|i| format!("acc{i}")).collect();
        Self {
            kernel,
            lang: site.target.lang,
            site,
            out: String::new(),
            depth: 1,
            scope: Scope {
                names: vec![None; kernel.exprs.len()],
                ranges: (0..kernel.ranges.len()).map(|r| format!("r{r}")).collect(),
                bases: vec![None; kernel.exprs.len()],
                held: vec![None; kernel.exprs.len()],
                wide: vec![None; kernel.exprs.len()],
                written: Vec::new(),
                suffix: String::new(),
            },
            accs,
            #[cfg(feature = "cuda")]
            kept: None,
            fresh: 0,
        }
    }

    pub fn target(&self) -> Target {
        self.site.target
    }

    pub fn line(&mut self, text: impl AsRef<str>) {
        for line in text.as_ref().lines() {
            self.out += &"  ".repeat(self.depth);
            self.out += line;
            self.out.push('\n');
        }
    }

    /// `head {`, the body in a scope of its own, `}`.
    pub fn block(&mut self, head: &str, body: impl FnOnce(&mut Self)) {
        self.line(if head.is_empty() { "{".into() } else { format!("{head} {{") });
        self.depth += 1;
        let scope = self.scope.clone();
        body(self);
        self.scope = scope;
        self.depth -= 1;
        self.line("}");
    }

    /// Defines the range variables from their row-major position.
    pub fn split(&mut self, flat: &str, ranges: &[RangeId]) {
        self.split_as(flat, ranges, None);
    }

    /// As `split`, but the last range's variable is called `inner`.
    pub fn split_but_last(&mut self, flat: &str, ranges: &[RangeId]) {
        self.split_as(flat, ranges, ranges.last().copied());
    }

    fn split_as(&mut self, flat: &str, ranges: &[RangeId], inner: Option<RangeId>) {
        let mut below = self.kernel.size(ranges);
        for (i, r) in ranges.iter().enumerate() {
            let size = self.kernel.ranges[*r];
            below /= size.max(1);
            if size == 1 {
                continue;
            }
            let high = divided(flat, below as i64);
            let value = if ranges[..i].iter().all(|r| self.kernel.ranges[*r] == 1) {
                high
            } else {
                remainder(&high, size as i64)
            };
            let name = if inner == Some(*r) { "inner".into() } else { self.scope.ranges[*r].clone() };
            self.name(&name, DType::I32, &value);
        }
    }

    /// Loops over `ranges`, the last one fastest; what `roots` need is computed as far out as it can be.
    pub fn loops(&mut self, ranges: &[RangeId], roots: &[ExprId], body: &mut dyn FnMut(&mut Self)) {
        let Some((r, inner)) = ranges.split_first() else {
            return body(self);
        };
        let size = self.kernel.ranges[*r];
        if size == 1 {
            return self.loops(inner, roots, body);
        }
        self.hoist(ranges, roots);
        let head = (self.lang.for_loop)(&self.scope.ranges[*r], &0, &size, 1);
        self.block(&head, |p| p.loops(inner, roots, body));
    }

    /// A loop over `range` from its first or from its last point, in at most `turns` turns.
    pub fn one_by_one(
        &mut self,
        range: RangeId,
        backwards: bool,
        turns: usize,
        body: &mut dyn FnMut(&mut Self),
    ) {
        let (n, name) = (self.kernel.ranges[range], self.scope.ranges[range].clone());
        let each = n.div_ceil(turns);
        let head = (self.lang.for_loop)("step", &0, &(n.div_ceil(each) * each), each);
        let mut once = |p: &mut Self, at: &str| {
            p.name(&name, DType::I32, &if backwards { format!("{} - {at}", n - 1) } else { at.into() });
            body(p);
        };
        self.block(&head, |p| match each {
            1 => once(p, "step"),
            _ => (0..each).for_each(|i| {
                let at = format!("(step + {i})");
                p.block(&format!("if ({at} < {n})"), |p| once(p, &at));
            }),
        });
    }

    /// Loops over the row-major positions of `ranges`, each of `lanes` invocations taking every `lanes`-th, or that many
    /// neighbours of each as lie together, `stores` included.
    pub fn strided(
        &mut self,
        lanes: usize,
        ranges: &[RangeId],
        roots: &[ExprId],
        stores: &[&Store],
        body: &mut dyn FnMut(&mut Self),
    ) {
        let size = self.kernel.size(ranges);
        if size == 0 {
            return;
        }
        #[cfg(feature = "cuda")]
        if self.strided_wide(lanes, ranges, roots, stores, body) {
            return;
        }
        let _ = stores;
        self.hoist(ranges, roots);
        let head = (self.lang.for_loop)("i", &"lane", &size, lanes);
        self.block(&head, |p| {
            p.split("i", ranges);
            body(p);
        });
    }

    /// Writes now all that `roots` need and that does not change with `ranges`.
    pub fn hoist(&mut self, ranges: &[RangeId], roots: &[ExprId]) {
        let inside = self.kernel.depends(ranges);
        for e in self.kernel.needed(roots) {
            if !inside[e] {
                self.value(e);
            }
        }
    }

    /// As `hoist`, and of the loads that do change with `ranges` what of their places and masks does not.
    pub fn hoist_places(&mut self, ranges: &[RangeId], roots: &[ExprId]) {
        self.hoist(ranges, roots);
        let kernel = self.kernel;
        let inside = kernel.depends(ranges);
        let changes = |l: &Lin| l.any_range(&mut |r| ranges.contains(&r)) || l.any_value(&mut |e| inside[e]);
        for e in kernel.needed(roots) {
            let Expr::Load { arg, index, mask } = &kernel.exprs[e].expr else { continue };
            if !inside[e] || kernel.args[*arg].dtype.size() != 4 {
                continue;
            }
            if self.scope.held[e].is_none() && !mask.iter().any(|c| changes(&c.lin)) {
                self.scope.held[e] = self.held(mask);
            }
            let (start, index) = self.place(e, *arg, index);
            let (mut outer, mut inner) = (Lin::constant(index.c), Lin::default());
            for (atom, k) in &index.terms {
                let part = if changes(&Lin::atom(atom.clone())) { &mut inner } else { &mut outer };
                part.terms.push((atom.clone(), *k));
            }
            let outer = self.lin(&outer);
            let name = self.fresh("base");
            self.name(&name, DType::I32, &format!("{start} + {outer}"));
            self.scope.bases[e] = Some((name, inner));
        }
    }

    /// Where a load's place is counted from, and the place from there.
    fn place(&self, e: ExprId, arg: usize, index: &Lin) -> (String, Lin) {
        self.scope.bases[e].clone().unwrap_or_else(|| (self.site.buffer(arg).1, index.clone()))
    }

    /// A name for whether a mask holds; none where there is no mask.
    fn held(&mut self, mask: &[Cond]) -> Option<String> {
        let text = self.conds(mask)?;
        let name = self.fresh("in");
        self.name(&name, DType::Bool, &text);
        Some(name)
    }

    fn fresh(&mut self, prefix: &str) -> String {
        self.fresh += 1;
        format!("{prefix}{}", self.fresh)
    }

    pub fn name(&mut self, name: &str, dtype: DType, value: &str) {
        let line = (self.lang.constant_name)(name, dtype, value);
        self.line(line);
    }

    /// The text of an expression's value: a literal, or a name that is defined here if it is not yet.
    pub fn value(&mut self, e: ExprId) -> String {
        if let Some(name) = &self.scope.names[e] {
            return name.clone();
        }
        let kernel = self.kernel;
        let dtype = kernel.exprs[e].dtype;
        let name = match &kernel.exprs[e].expr {
            Expr::Const(bits) => (self.lang.constant)(f64::from_bits(*bits), dtype),
            Expr::Acc(i) => self.accs[*i].clone(),
            Expr::Scan => "scan".into(),
            computed => {
                let text = self.compute(e, computed, dtype);
                let name = format!("v{e}{}", self.scope.suffix);
                self.name(&name, dtype, &text);
                name
            }
        };
        self.scope.names[e] = Some(name.clone());
        name
    }

    fn compute(&mut self, e: ExprId, expr: &Expr, dtype: DType) -> String {
        let (kernel, lang) = (self.kernel, self.lang);
        match expr {
            Expr::Const(_) | Expr::Acc(_) | Expr::Scan => unreachable!("has a name"),
            Expr::Index(lin) => self.lin(lin),
            Expr::Load { arg, index, mask } => self.load(e, *arg, index, mask),
            Expr::Masked(mask, e) => {
                let value = self.value(*e);
                let zero = (lang.constant)(0.0, dtype);
                match self.conds(mask) {
                    Some(cond) => (lang.select)(&cond, &value, &zero),
                    None => value,
                }
            }
            Expr::Unary(op, a) => {
                let a = self.value(*a);
                (lang.unary)(*op, dtype, &a)
            }
            Expr::Binary(op, a, b) => {
                let operand = kernel.exprs[*a].dtype;
                let (a, b) = (self.operand(*a), self.operand(*b));
                (lang.binary)(*op, operand, &a, &b)
            }
            Expr::Where(c, a, b) => {
                let (c, a, b) = (self.value(*c), self.value(*a), self.value(*b));
                (lang.select)(&c, &a, &b)
            }
            Expr::Cast(a) => {
                let text = self.value(*a);
                (lang.cast)(&text, kernel.exprs[*a].dtype, dtype)
            }
            Expr::Bitcast(a) => {
                let text = self.value(*a);
                (lang.bitcast)(&text, kernel.exprs[*a].dtype, dtype)
            }
        }
    }

    fn operand(&mut self, e: ExprId) -> Operand {
        let constant = match self.kernel.exprs[e].expr {
            Expr::Const(bits) => Some(f64::from_bits(bits)),
            _ => None,
        };
        Operand { text: self.value(e), constant }
    }

    fn load(&mut self, e: ExprId, arg: usize, index: &Lin, mask: &[Cond]) -> String {
        match &self.lang.words {
            Some(words) => self.load_word(e, arg, index, mask, words),
            None => self.load_element(e, arg, index, mask),
        }
    }

    fn load_element(&mut self, e: ExprId, arg: usize, index: &Lin, mask: &[Cond]) -> String {
        let (lang, dtype) = (self.lang, self.kernel.args[arg].dtype);
        if let Some(name) = &self.scope.wide[e] {
            return (lang.from_memory)(&format!("{name}.at[j]"), dtype, dtype);
        }
        let at = self.lin(index);
        let value = (lang.from_memory)(&format!("{}[{at}]", self.site.pointer(arg)), dtype, dtype);
        match self.held(mask) {
            Some(held) => (lang.select)(&held, &value, &(lang.constant)(0.0, dtype)),
            None => value,
        }
    }

    /// Reads element 0 where the mask forbids the read: cheaper than a branch, and always there.
    fn load_word(&mut self, e: ExprId, arg: usize, index: &Lin, mask: &[Cond], words: &Words) -> String {
        let (lang, dtype) = (self.lang, self.kernel.args[arg].dtype);
        let (buffer, _, element) = self.site.buffer(arg);
        let (start, index) = self.place(e, arg, index);
        let mut at = self.lin(&index);
        let held = self.scope.held[e].clone().or_else(|| self.held(mask));
        let value = match (dtype.size(), &held) {
            (4, Some(held)) => {
                let at = (lang.select)(held, &format!("{start} + {at}"), "0");
                (lang.from_memory)(&format!("{buffer}[{at}]"), element, dtype)
            }
            (4, None) => (lang.from_memory)(&format!("{buffer}[{start} + {at}]"), element, dtype),
            _ => {
                if let Some(held) = &held {
                    at = (lang.select)(held, &at, "0");
                }
                let name = self.fresh("at");
                self.name(&name, DType::I32, &at);
                let shift = 3 - dtype.size();
                (words.from_part)(&format!("{buffer}[{start} + ({name} >> {shift})]"), &name, dtype)
            }
        };
        match held {
            Some(held) => (lang.select)(&held, &value, &(lang.constant)(0.0, dtype)),
            None => value,
        }
    }

    /// Writes an element: where buffers hold words, one of 4 bytes.
    pub fn store(&mut self, store: &Store) {
        let value = self.value(store.value);
        let at = self.lin(&store.index);
        self.store_word(store.arg, &at, &value);
    }

    pub fn store_word(&mut self, arg: usize, at: &str, value: &str) {
        let dtype = self.kernel.args[arg].dtype;
        if self.lang.words.is_none() {
            let element = (self.lang.to_memory)(value, dtype, dtype);
            if let Some((_, name)) = self.scope.written.iter().find(|(a, _)| *a == arg) {
                return self.line(format!("{name}.at[j] = {element};"));
            }
            return self.line(format!("{}[{at}] = {element};", self.site.pointer(arg)));
        }
        let (buffer, start, element) = self.site.buffer(arg);
        let word = (self.lang.to_memory)(value, dtype, element);
        self.line(format!("{buffer}[{start} + {at}] = {word};"));
    }

    fn conds(&mut self, mask: &[Cond]) -> Option<String> {
        let texts: Vec<String> = mask
            .iter()
            .map(|c| {
                let shifted = self.lin(&c.lin.plus(-c.lo));
                (self.lang.within)(&shifted, c.hi - c.lo)
            })
            .collect();
        (!texts.is_empty()).then(|| texts.join(" & "))
    }

    /// An index expression, parenthesised where it is a sum.
    pub fn lin(&mut self, lin: &Lin) -> String {
        let mut text = String::new();
        for (atom, k) in &lin.terms {
            let name = self.atom(atom);
            if !text.is_empty() {
                text += if *k < 0 { " - " } else { " + " };
            } else if *k < 0 {
                text += "-";
            }
            text += &if k.abs() == 1 { name } else { format!("{name} * {}", k.abs()) };
        }
        if text.is_empty() {
            return lin.c.to_string();
        }
        match lin.c {
            0 => {}
            c if c < 0 => text += &format!(" - {}", -c),
            c => text += &format!(" + {c}"),
        }
        if lin.terms.len() == 1 && lin.c == 0 && lin.terms[0].1 == 1 { text } else { format!("({text})") }
    }

    fn atom(&mut self, atom: &Atom) -> String {
        match atom {
            Atom::Range(r) => self.scope.ranges[*r].clone(),
            Atom::Value(e) => self.value(*e),
            Atom::Div(l, d) => {
                let text = self.lin(l);
                if self.never_negative(l, *d) {
                    divided(&text, *d)
                } else {
                    format!("floor_div({text}, {d})")
                }
            }
            Atom::Mod(l, d) => {
                let text = self.lin(l);
                if self.never_negative(l, *d) {
                    remainder(&text, *d)
                } else {
                    format!("floor_mod({text}, {d})")
                }
            }
        }
    }

    /// Shifts and masks round as we want for every sign.
    fn never_negative(&self, lin: &Lin, divisor: i64) -> bool {
        (divisor as u64).is_power_of_two() || lin.bounds(&self.kernel.ranges).0 >= 0
    }

    /// `a` and `b` joined by a reduction's operation.
    pub fn joined(&self, op: Reduce, dtype: DType, a: &str, b: &str) -> String {
        let operand = |text: &str| Operand { text: text.into(), constant: None };
        (self.lang.binary)(operation(op), dtype, &operand(a), &operand(b))
    }
}

fn operation(op: Reduce) -> Binary {
    match op {
        Reduce::Sum => Binary::Add,
        Reduce::Max => Binary::Max,
        Reduce::Prod => Binary::Mul,
    }
}

pub fn identity(op: Reduce, dtype: DType) -> f64 {
    match op {
        Reduce::Sum => 0.0,
        Reduce::Max => dtype.min_value(),
        Reduce::Prod => 1.0,
    }
}

fn divided(text: &str, d: i64) -> String {
    match d {
        1 => text.into(),
        _ if (d as u64).is_power_of_two() => format!("({text} >> {}u)", d.trailing_zeros()),
        _ => format!("({text} / {d})"),
    }
}

fn remainder(text: &str, d: i64) -> String {
    if (d as u64).is_power_of_two() { format!("({text} & {})", d - 1) } else { format!("({text} % {d})") }
}
