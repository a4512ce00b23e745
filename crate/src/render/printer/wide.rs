//! Neighbours that are read, computed and written together, for devices whose memory gives 16 bytes at a time.

use super::Printer;
use crate::{
    graph::DType,
    kernel::{Atom, Expr, ExprId, Lin, RangeId, Store},
    render::contract::Side,
};

/// Positions of rows that several passes read, as the passes' loops count them.
#[derive(Clone, Copy)]
pub struct Kept {
    range: RangeId,
    lanes: usize,
    width: usize,
    turns: usize,
}

/// Bytes of a row that an invocation keeps in registers, and fewest neighbours that pay.
const KEPT: usize = 128;
const WIDTHS: [usize; 3] = [8, 4, 2];

impl Printer<'_> {
    /// How many neighbours along the innermost of `ranges` fill 16 bytes of what lies most tightly, and which range that
    /// is: none where nothing of `roots` and `stores` lies together.
    pub fn widest(&self, ranges: &[RangeId], roots: &[ExprId], stores: &[&Store]) -> Option<(usize, usize)> {
        let kernel = self.kernel;
        if self.lang.words.is_some() {
            return None;
        }
        let last = ranges.iter().rposition(|r| kernel.ranges[*r] > 1)?;
        let range = ranges[last];
        let needed = kernel.needed(roots);
        let bytes = |arg: usize| kernel.args[arg].dtype.size();
        let fits = |width: &usize| {
            let loads = needed.iter().filter(|e| self.loads_together(**e, range, *width)).map(|e| {
                let Expr::Load { arg, .. } = kernel.exprs[*e].expr else {
                    unreachable!("only loads lie together")
                };
                bytes(arg)
            });
            let stores =
                stores.iter().filter(|s| self.together(&s.index, range, *width)).map(|s| bytes(s.arg));
            kernel.ranges[range].is_multiple_of(*width)
                && loads.chain(stores).min().is_some_and(|b| b * width <= 16)
        };
        WIDTHS.into_iter().find(fits).map(|width| (last, width))
    }

    /// As `strided`, several neighbours at a time; false where they do not lie together.
    pub fn strided_wide(
        &mut self,
        lanes: usize,
        ranges: &[RangeId],
        roots: &[ExprId],
        stores: &[&Store],
        body: &mut dyn FnMut(&mut Self),
    ) -> bool {
        let size = self.kernel.size(ranges);
        let last = ranges.iter().rposition(|r| self.kernel.ranges[*r] > 1);
        let kept = self.kept.filter(|k| last.is_some_and(|last| ranges[last] == k.range));
        let found = match kept {
            Some(kept) => last.map(|last| (last, kept.width)),
            None => self.widest(ranges, roots, stores),
        };
        let Some((last, width)) = found.filter(|(_, width)| size >= lanes * width) else { return false };
        self.hoist(ranges, roots);
        let mut turn = |p: &mut Self| {
            p.split_but_last("i", &ranges[..=last]);
            p.wide(ranges[last], width, roots, stores, body);
        };
        match kept {
            Some(kept) => self.turns(kept, size, &mut turn),
            None => {
                let head = (self.lang.for_loop)("i", &format!("lane * {width}"), &size, lanes * width);
                self.block(&head, turn);
            }
        }
        true
    }

    /// Loads a row that all `passes` over `ranges` read into registers, where it is short enough: they then share it.
    pub fn keep(&mut self, lanes: usize, ranges: &[RangeId], passes: &[Vec<ExprId>], stores: &[&Store]) {
        let kernel = self.kernel;
        let size = kernel.size(ranges);
        let all = passes.concat();
        let Some((last, width)) = self.widest(ranges, &all, stores) else { return };
        let needed: Vec<Vec<ExprId>> = passes.iter().map(|roots| kernel.needed(roots)).collect();
        let again = |e: &ExprId| needed.iter().filter(|n| n.contains(e)).count() > 1;
        let loads: Vec<ExprId> = kernel
            .needed(&all)
            .into_iter()
            .filter(|e| again(e) && self.loads_together(*e, ranges[last], width))
            .collect();
        let turns = size.div_ceil(lanes * width);
        let bytes = |e: &ExprId| match kernel.exprs[*e].expr {
            Expr::Load { arg, .. } => kernel.args[arg].dtype.size() * width * turns,
            _ => 0,
        };
        if size < lanes * width || loads.is_empty() || loads.iter().map(bytes).sum::<usize>() > KEPT {
            return;
        }
        let kept = Kept { range: ranges[last], lanes, width, turns };
        self.hoist(ranges, &loads);
        for e in &loads {
            let ty = self.wide_type(*e, width);
            self.line(format!("{ty} w{e}[{turns}];"));
        }
        self.turns(kept, size, &mut |p| {
            p.split_but_last("i", &ranges[..=last]);
            let own = std::mem::replace(&mut p.scope.ranges[ranges[last]], "inner".into());
            for e in &loads {
                let text = p.read_wide(*e, width);
                p.line(format!("w{e}[turn] = {text};"));
            }
            p.scope.ranges[ranges[last]] = own;
        });
        loads.iter().for_each(|e| self.scope.wide[*e] = Some(format!("w{e}[turn]")));
        self.kept = Some(kept);
    }

    fn turns(&mut self, kept: Kept, size: usize, body: &mut dyn FnMut(&mut Self)) {
        let Kept { lanes, width, turns, .. } = kept;
        self.out += "#pragma unroll\n";
        self.block(&format!("for (int turn = 0; turn < {turns}; turn += 1)"), |p| {
            p.name("i", DType::I32, &format!("(turn * {lanes} + lane) * {width}"));
            let inside =
                if size.is_multiple_of(lanes * width) { String::new() } else { format!("if (i < {size})") };
            p.block(&inside, body);
        });
    }

    /// Whether `width` neighbours along `range`, from a multiple of `width` on, lie together in memory, in their order
    /// and at a multiple of their size.
    fn together(&self, index: &Lin, range: RangeId, width: usize) -> bool {
        let inside = self.kernel.depends(&[range]);
        let steady = |atom: &Atom| {
            let lin = Lin::atom(atom.clone());
            !lin.any_range(&mut |r| r == range) && !lin.any_value(&mut |e| inside[e])
        };
        let whole = |k: i64| k % width as i64 == 0;
        index.coefficient(range) == 1
            && whole(index.c)
            && index.terms.iter().all(|(atom, k)| *atom == Atom::Range(range) || (steady(atom) && whole(*k)))
    }

    /// Whether `together` is so of a load, and its mask the same for all.
    fn loads_together(&self, e: ExprId, range: RangeId, width: usize) -> bool {
        let Expr::Load { index, mask, .. } = &self.kernel.exprs[e].expr else { return false };
        let inside = self.kernel.depends(&[range]);
        let steady = |l: &Lin| !l.any_range(&mut |r| r == range) && !l.any_value(&mut |v| inside[v]);
        self.together(index, range, width) && mask.iter().all(|c| steady(&c.lin))
    }

    /// Statements that copy `width` neighbours of a factor that is no more than loaded; none where they do not lie
    /// together.
    pub fn copy_of(
        &mut self,
        factor: ExprId,
        (bounded, others, block): Side,
        (name, ranges, own_block): Side,
        width: usize,
    ) -> Option<String> {
        let kernel = self.kernel;
        let Expr::Load { arg, index, mask } = &kernel.exprs[factor].expr else { return None };
        let last = ranges.iter().copied().rev().find(|r| kernel.ranges[*r] > 1)?;
        let bytes = kernel.args[*arg].dtype.size() * width;
        if bytes != 16
            || !kernel.ranges[last].is_multiple_of(width)
            || !self.loads_together(factor, last, width)
        {
            return None;
        }
        self.split("batch", &kernel.contract.as_ref()?.batch);
        self.split(bounded, others);
        self.split(name, ranges);
        let mut inside: Vec<String> = Vec::new();
        for (name, size, block) in
            [(bounded, kernel.size(others), block), (name, kernel.size(ranges), own_block)]
        {
            if !size.is_multiple_of(block) {
                inside.push(format!("{name} < {size}"));
            }
        }
        inside.extend(self.conds(mask));
        let at = self.lin(index);
        let pointer = self.site.pointer(*arg);
        if inside.is_empty() {
            self.line(format!("copy_16(to, {pointer} + {at}, true);"));
        } else {
            self.name("inside", DType::Bool, &inside.join(" & "));
            self.line(format!("copy_16(to, {pointer} + (inside ? {at} : 0), inside);"));
        }
        Some(std::mem::take(&mut self.out))
    }

    /// Statements that compute `width` neighbours of a factor into `values`, as elements of a dtype.
    pub fn computed(
        &mut self,
        factor: ExprId,
        (bounded, others, block): Side,
        side: Side,
        width: usize,
        dtype: DType,
    ) {
        let kernel = self.kernel;
        let c = kernel.contract.as_ref().expect("a factor is of a contraction");
        if !kernel.size(others).is_multiple_of(block) {
            self.line(format!("if ({bounded} >= {}) {{ return values; }}", kernel.size(others)));
        }
        self.split("batch", &c.batch);
        self.split(bounded, others);
        self.neighbours(side, width, "return values;", &[factor], &[], &mut |p| {
            let value = p.value(factor);
            let element = (p.lang.to_memory)(&value, dtype, dtype);
            p.line(format!("values.at[j] = {element};"));
        });
    }

    /// Statements that store `width` neighbouring columns of a row of sums.
    pub fn epilogue(mut self, [block_m, block_n]: [usize; 2], width: usize) -> String {
        let kernel = self.kernel;
        let c = kernel.contract.as_ref().expect("an epilogue is of a contraction");
        let m = kernel.size(&c.m);
        if !m.is_multiple_of(block_m) {
            self.line(format!("if (m >= {m}) {{ return; }}"));
        }
        self.split("batch", &c.batch);
        self.split("m", &c.m);
        self.accs[0] = "sums[j]".into();
        let stores: Vec<&Store> = kernel.stores.iter().collect();
        let roots: Vec<ExprId> = stores.iter().map(|s| s.value).collect();
        // What is the same for all sums is computed once.
        self.neighbours(("n", &c.n, block_n), width, "return;", &roots, &stores, &mut |p| {
            stores.iter().for_each(|s| p.store(s));
        });
        self.out
    }

    /// Writes `body` for the positions `name + j`, `j < width`. Where they differ in the innermost range only, all else
    /// is computed once, and what of `roots` and `stores` lies together is loaded and stored so.
    fn neighbours(
        &mut self,
        (name, ranges, block): Side,
        width: usize,
        leave: &str,
        roots: &[ExprId],
        stores: &[&Store],
        body: &mut dyn FnMut(&mut Self),
    ) {
        let kernel = self.kernel;
        let size = kernel.size(ranges);
        let last = ranges.iter().rposition(|r| kernel.ranges[*r] > 1).unwrap_or(0);
        let range = ranges.get(last).copied().filter(|r| kernel.ranges[*r].is_multiple_of(width));
        let Some(range) = range else {
            self.hoist(ranges, roots);
            return self.each(width, |p| {
                let inside = if size.is_multiple_of(block) {
                    String::new()
                } else {
                    format!("if ({name} + j < {size})")
                };
                p.block(&inside, |p| {
                    p.name("position", DType::I32, &format!("{name} + j"));
                    p.split("position", ranges);
                    body(p);
                });
            });
        };
        if !size.is_multiple_of(block) {
            self.line(format!("if ({name} >= {size}) {{ {leave} }}"));
        }
        self.split_but_last(name, &ranges[..=last]);
        self.wide(range, width, roots, stores, body);
    }

    /// `body` for `width` neighbours along `range`, of which `inner` is the first.
    pub fn wide(
        &mut self,
        range: RangeId,
        width: usize,
        roots: &[ExprId],
        stores: &[&Store],
        body: &mut dyn FnMut(&mut Self),
    ) {
        let kernel = self.kernel;
        self.hoist(&[range], roots);
        let outside = self.scope.clone();
        let own = std::mem::replace(&mut self.scope.ranges[range], "inner".into());
        for e in kernel.needed(roots) {
            if self.scope.names[e].is_none()
                && self.scope.wide[e].is_none()
                && self.loads_together(e, range, width)
            {
                self.load_wide(e, width);
            }
        }
        let mut written = Vec::new();
        for store in stores {
            if !self.together(&store.index, range, width) {
                continue;
            }
            let at = self.lin(&store.index);
            let name = format!("out{}", store.arg);
            let ty = (self.lang.stored)(kernel.args[store.arg].dtype);
            self.line(format!("wide<{ty}, {width}> {name};"));
            self.scope.written.push((store.arg, name.clone()));
            written
                .push(format!("*(wide<{ty}, {width}>*)({} + {at}) = {name};", self.site.pointer(store.arg)));
        }
        self.scope.ranges[range] = own.clone();
        self.each(width, |p| {
            p.name(&own, DType::I32, "inner + j");
            body(p);
        });
        written.into_iter().for_each(|line| self.line(line));
        self.scope = outside;
    }

    fn load_wide(&mut self, e: ExprId, width: usize) {
        let (ty, text) = (self.wide_type(e, width), self.read_wide(e, width));
        let name = format!("w{e}{}", self.scope.suffix);
        self.line(format!("const {ty} {name} = {text};"));
        self.scope.wide[e] = Some(name);
    }

    fn wide_type(&self, e: ExprId, width: usize) -> String {
        let Expr::Load { arg, .. } = self.kernel.exprs[e].expr else {
            unreachable!("only loads lie together")
        };
        format!("wide<{}, {width}>", (self.lang.stored)(self.kernel.args[arg].dtype))
    }

    fn read_wide(&mut self, e: ExprId, width: usize) -> String {
        let kernel = self.kernel;
        let Expr::Load { arg, index, mask } = &kernel.exprs[e].expr else {
            unreachable!("only loads lie together")
        };
        let (ty, at) = (self.wide_type(e, width), self.lin(index));
        let read = format!("*(const {ty}*)({} + {at})", self.site.pointer(*arg));
        match self.held(mask) {
            Some(held) => format!("({held} ? {read} : {ty}())"),
            None => read,
        }
    }

    fn each(&mut self, width: usize, body: impl FnOnce(&mut Self)) {
        if width == 1 {
            self.line("const int j = 0;");
            return body(self);
        }
        self.out += "#pragma unroll\n";
        self.block(&format!("for (int j = 0; j < {width}; j += 1)"), body);
    }
}
