//! Decides which nodes share a kernel.
//!
//! Nodes are visited users first. A node joins the kernel of its users when they are one kernel that can compute
//! it in place; kernels with the same rows merge when that lets them share a value; what is left gets a buffer.
//! For each node a kernel reaches, `Reach` says which of the kernel's ranges each axis depends on.

use super::rewrite::is_contraction;
use crate::graph::{Node, Op, Shape, Unary, axis_groups, topo};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

/// Rows longer than this are not kept in one kernel with what is computed from their sum.
const ROW_LIMIT: usize = 16_384;
/// Most values a kernel computes again rather than reads.
const CHEAP: usize = 6;
/// Stands in a `Reach` for any reduction loop of the kernel.
const REDUCED: u64 = 1 << 63;

/// One kernel to be: it computes `roots` and `taps`, and everything in `owned` that they need.
#[derive(Clone, Debug, Default)]
pub struct Group {
    pub roots: Vec<Root>,
    /// Outputs computed on the way to a root.
    pub taps: Vec<Node>,
    /// Sizes of the ranges the roots' axes run over.
    pub ranges: Vec<usize>,
    /// Ranges that are rows, as bits; all of them in kernels without reductions.
    pub outer: u64,
    pub contract: bool,
    /// It computes a scan, along its only range that is not a row.
    scan: bool,
    fixed: bool,
}

#[derive(Clone, Debug)]
pub struct Root {
    pub node: Node,
    /// The range of each axis; axes of size 1 have none.
    pub axes: Vec<Option<usize>>,
}

/// How a kernel reaches a node: over all ways, and over those without a reduction between, if there are any.
#[derive(Clone, Debug)]
struct Reach {
    all: Path,
    plain: Option<Path>,
}

#[derive(Clone, Debug)]
struct Path {
    /// For each axis the ranges it depends on.
    axes: Vec<u64>,
    /// Every element is visited at most once: no pads, windows or shrinks on the way.
    clean: bool,
}

impl Path {
    /// All ranges the node depends on.
    fn bits(&self) -> u64 {
        self.axes.iter().fold(0, |a, b| a | b)
    }

    fn remap(&mut self, to: &[usize]) {
        self.axes.iter_mut().for_each(|bits| *bits = remap(*bits, to));
    }

    fn union(&mut self, other: &Path) {
        self.axes.iter_mut().zip(&other.axes).for_each(|(a, b)| *a |= b);
        self.clean &= other.clean;
    }
}

pub struct Fusion {
    pub groups: Vec<Group>,
    /// Nodes with a buffer of their own, by id.
    pub stored: FxHashSet<u64>,
    /// The group that computes a node; shared cheap nodes have none and are computed wherever they are read.
    pub owner: FxHashMap<u64, usize>,
}

struct Fuser {
    nodes: Vec<Node>,
    position: FxHashMap<u64, usize>,
    users: Vec<Vec<usize>>,
    is_output: Vec<bool>,
    is_forced: Vec<bool>,
    groups: Vec<Option<Group>>,
    owner: Vec<Option<usize>>,
    stored: Vec<bool>,
    /// The kernels that read a node, directly or through shared cheap nodes.
    readers: Vec<Vec<usize>>,
    reach: FxHashMap<(usize, usize), Reach>,
    packed: bool,
}

/// Groups the nodes below `outputs`; `forced` nodes get buffers whatever fusion would prefer. `packed` is
/// `Device::packed`.
pub fn fuse(outputs: &[Node], forced: &FxHashSet<u64>, packed: bool) -> Fusion {
    let nodes = topo(outputs);
    let position: FxHashMap<u64, usize> = nodes.iter().enumerate().map(|(i, n)| (n.id, i)).collect();
    let mut users = vec![Vec::new(); nodes.len()];
    for (i, node) in nodes.iter().enumerate().filter(|(_, n)| !n.is_realized()) {
        let mut sources: Vec<usize> = node.src.iter().map(|s| position[&s.id]).collect();
        sources.dedup();
        sources.iter().for_each(|s| users[*s].push(i));
    }
    let is_output = nodes.iter().map(|n| outputs.contains(n)).collect();
    let mut is_forced: Vec<bool> = nodes
        .iter()
        .map(|n| forced.contains(&n.id) || matches!(n.op, Op::Contiguous | Op::Custom(_)))
        .collect();
    for node in nodes.iter().filter(|n| matches!(n.op, Op::After) && !n.is_realized()) {
        is_forced[position[&node.src[1].viewed().id]] = true;
    }
    for node in nodes.iter().filter(|n| matches!(n.op, Op::Custom(_)) && !n.is_realized()) {
        node.src.iter().for_each(|s| is_forced[position[&s.id]] = true);
    }
    let count = nodes.len();
    let mut fuser = Fuser {
        nodes,
        position,
        users,
        is_output,
        is_forced,
        groups: Vec::new(),
        owner: vec![None; count],
        stored: vec![false; count],
        readers: vec![Vec::new(); count],
        reach: FxHashMap::default(),
        packed,
    };
    (0..count).rev().for_each(|n| fuser.place(n));
    fuser.finish()
}

impl Fuser {
    fn place(&mut self, n: usize) {
        let node = self.nodes[n].clone();
        if is_leaf(&node) {
            let made = self.is_forced[n] && matches!(node.op, Op::Const(_) | Op::Iota);
            if (self.is_output[n] || made) && !node.is_realized() {
                self.start(n);
            }
            return;
        }
        let mut readers: Vec<usize> = Vec::new();
        for user in &self.users[n] {
            match self.owner[*user] {
                Some(group) => readers.push(group),
                None => readers.extend(&self.readers[*user]),
            }
        }
        readers.sort_unstable();
        readers.dedup();
        for group in &readers {
            let reach = self.reach_of(n, *group);
            self.reach.insert((*group, n), reach);
        }
        let wanted = self.is_output[n] || self.is_forced[n];
        if !wanted && (node.op.is_movement() || (readers.len() > 1 && self.is_cheap(n))) {
            self.readers[n] = readers;
            return;
        }
        if self.is_forced[n] || readers.is_empty() {
            return self.start(n);
        }
        let joined = self.join(n, &readers);
        let tapped = joined.is_none().then(|| self.tap(n, &readers)).flatten();
        let Some(group) = joined.or(tapped) else { return self.start(n) };
        self.owner[n] = Some(group);
        if wanted || tapped.is_some() {
            self.stored[n] = true;
            self.group_mut(group).taps.push(node);
        }
    }

    fn group(&self, g: usize) -> &Group {
        self.groups[g].as_ref().expect("readers name live groups")
    }

    fn group_mut(&mut self, g: usize) -> &mut Group {
        self.groups[g].as_mut().expect("readers name live groups")
    }

    /// A new kernel for `n`, which stores it in the order it is read in.
    fn start(&mut self, n: usize) {
        let mut chain = vec![n];
        while let [only] = self.users[chain[chain.len() - 1]][..]
            && matches!(self.nodes[only].op, Op::Permute(_) | Op::Reshape)
            && self.owner[only].is_none()
        {
            chain.push(only);
        }
        while chain.len() > 1 && !matches!(self.nodes[chain[chain.len() - 1]].op, Op::Permute(_)) {
            chain.pop();
        }
        let scan = match self.nodes[n].op {
            Op::Scan(_, axis) => Some(axis),
            _ => None,
        };
        if self.is_output[n] || self.is_forced[n] || scan.is_some() {
            chain.truncate(1);
        }
        let root = chain.pop().expect("the chain starts with the node");
        self.start_at(root);
        let g = self.groups.len() - 1;
        for below in chain.into_iter().rev() {
            let reach = self.reach_of(below, g);
            self.reach.insert((g, below), reach);
            self.owner[below] = Some(g);
        }
        let fixed = matches!(self.nodes[n].op, Op::Reduce(..));
        let contract = is_contraction(&self.nodes[n]);
        if let Some(axis) = scan {
            assert!(self.hold_scan(n, axis, g, false), "a kernel of its own computes a scan");
        } else {
            let group = self.group_mut(g);
            (group.fixed, group.contract) = (fixed, contract);
        }
    }

    /// A new kernel with `n` as its only root.
    fn start_at(&mut self, n: usize) {
        let node = self.nodes[n].clone();
        let g = self.groups.len();
        let mut ranges = Vec::new();
        let axes: Vec<Option<usize>> = node
            .shape
            .iter()
            .map(|size| {
                (*size != 1).then(|| {
                    ranges.push(*size);
                    ranges.len() - 1
                })
            })
            .collect();
        let bits = axes.iter().map(|a| a.map_or(0, |r| 1 << r)).collect();
        let all = (1u64 << ranges.len()) - 1;
        let path = Path { axes: bits, clean: true };
        self.reach.insert((g, n), Reach { all: path.clone(), plain: Some(path) });
        let roots = vec![Root { node, axes }];
        self.groups.push(Some(Group { roots, ranges, outer: all, ..Group::default() }));
        self.owner[n] = Some(g);
        self.stored[n] = true;
    }

    /// The group that computes `n` in place for all `readers`, if there is or can be one.
    fn join(&mut self, n: usize, readers: &[usize]) -> Option<usize> {
        if let [g] = readers {
            return self.hold(n, *g, self.is_output[n]).then_some(*g);
        }
        let reduces = matches!(self.nodes[n].op, Op::Reduce(..));
        if self.is_output[n]
            || matches!(self.nodes[n].op, Op::Scan(..))
            || is_contraction(&self.nodes[n])
            || readers.iter().any(|g| self.group(*g).contract)
        {
            return None;
        }
        if reduces {
            let rows: Vec<u64> = readers.iter().map(|g| self.rows_for(n, *g)).collect::<Option<_>>()?;
            let g = self.merge(readers, &rows)?;
            self.group_mut(g).fixed = true;
            return Some(g);
        }
        let fixed = self.group(readers[0]).fixed;
        if readers.iter().any(|g| self.group(*g).fixed != fixed) {
            return None;
        }
        let rows: Vec<u64> = readers.iter().map(|g| self.group(*g).outer).collect();
        self.merge(readers, &rows)
    }

    /// One of several readers that computes `n` on its way and stores it for the others.
    fn tap(&mut self, n: usize, readers: &[usize]) -> Option<usize> {
        let last = |g: &usize| self.group(*g).roots.iter().map(|r| self.position[&r.node.id]).max();
        let mut order = readers.to_vec();
        order.sort_by_key(last);
        order.into_iter().find(|g| {
            let first = readers.iter().all(|other| other == g || !self.feeds(*other, &[*g]));
            first && self.hold(n, *g, true)
        })
    }

    /// Lets group `g` compute `n` in place, if it can; `stored` values are also written to a buffer.
    fn hold(&mut self, n: usize, g: usize, stored: bool) -> bool {
        let node = &self.nodes[n];
        if let Op::Scan(_, axis) = node.op {
            return self.hold_scan(n, axis, g, stored);
        }
        if !matches!(node.op, Op::Reduce(..)) {
            return !stored || self.tap_allowed(n, g, self.group(g).outer) || self.hold_of_row(n, g);
        }
        let contract = is_contraction(node);
        let Some(rows) = self.rows_for(n, g) else { return false };
        let group = self.group(g);
        if contract && (group.fixed || rows != all_ranges(group) || group.roots.len() > 1) {
            return false;
        }
        if stored && !self.tap_allowed(n, g, rows) {
            return false;
        }
        let group = self.group_mut(g);
        group.outer = rows;
        group.fixed = true;
        group.contract |= contract;
        true
    }

    /// Makes group `g` walk along the axis of scan `n`, if it needs each element once and one range is that axis.
    fn hold_scan(&mut self, n: usize, axis: usize, g: usize, stored: bool) -> bool {
        let (group, path) = (self.group(g), &self.reach[&(g, n)].all);
        let (all, along) = (all_ranges(group), path.axes[axis]);
        let rows = all & !along;
        let alone = path.axes.iter().enumerate().all(|(i, bits)| i == axis || bits & along == 0);
        let fits = path.bits() == all
            && along.count_ones() == 1
            && alone
            && (path.clean || !stored)
            && !group.contract
            && !group.scan
            && (!group.fixed || group.outer == rows)
            && group.roots.iter().all(|r| r.node.dtype.size() >= 4);
        if fits {
            let group = self.group_mut(g);
            (group.outer, group.scan, group.fixed) = (rows, true, true);
        }
        fits
    }

    /// Makes group `g` a kernel of rows that computes and stores `n`, one value for each row that follows from a
    /// reduction of the row.
    fn hold_of_row(&mut self, n: usize, g: usize) -> bool {
        let Some(rows) = self.rows_for(n, g) else { return false };
        if self.group(g).fixed || !self.follows_reduction(n) || !self.tap_allowed(n, g, rows) {
            return false;
        }
        let group = self.group_mut(g);
        (group.outer, group.fixed) = (rows, true);
        true
    }

    fn follows_reduction(&self, n: usize) -> bool {
        let mut at = &self.nodes[n];
        while !is_leaf(at) {
            at = match &at.op {
                Op::Reduce(..) => return !is_contraction(at),
                Op::Unary(_) | Op::Binary(_) | Op::Reshape | Op::Cast => &at.src[0],
                _ => return false,
            };
        }
        false
    }

    /// Values may be stored on the way only where each element is computed exactly once.
    fn tap_allowed(&self, n: usize, g: usize, rows: u64) -> bool {
        let (group, reach) = (self.group(g), &self.reach[&(g, n)]);
        let once = |path: &Path| {
            path.clean && path.bits() & REDUCED == 0 && size_of(group, path.bits()) == self.nodes[n].numel()
        };
        let bits = reach.all.bits();
        let by_row = group.fixed || rows != group.outer;
        let whole = bits == all_ranges(group) || (by_row && bits == rows);
        // A reduction of the row may read it too: it is stored where the row's elements are.
        let element = |path: &Path| once(path) && by_row && path.bits() == all_ranges(group);
        (!self.packed || self.nodes[n].dtype.size() >= 4)
            && ((once(&reach.all) && whole) || reach.plain.as_ref().is_some_and(element))
    }

    /// The rows of group `g` if it can hold the reduction `n`.
    fn rows_for(&self, n: usize, g: usize) -> Option<u64> {
        let (node, group, reach) = (&self.nodes[n], self.group(g), &self.reach[&(g, n)]);
        let bits = reach.all.bits();
        let row = node.src[0].numel() / node.numel().max(1);
        let inner = size_of(group, all_ranges(group) & !bits);
        let packed = self.packed && group.roots.iter().any(|r| r.node.dtype.size() < 4);
        let fits = bits & REDUCED == 0
            && !group.contract
            && !packed
            && (!group.fixed || group.outer == bits)
            && size_of(group, bits) <= node.numel()
            && (inner == 1 || (inner <= ROW_LIMIT && row <= ROW_LIMIT));
        fits.then_some(bits)
    }

    /// One group out of several with equal rows; `None` where they differ or one needs another's result.
    fn merge(&mut self, readers: &[usize], rows: &[u64]) -> Option<usize> {
        let sizes = |g: &Group, bits: u64| -> Vec<usize> {
            (0..g.ranges.len()).filter(|r| bits >> r & 1 == 1).map(|r| g.ranges[r]).collect()
        };
        let first = self.group(readers[0]).clone();
        let outer = sizes(&first, rows[0]);
        let mut inner: Vec<usize> = Vec::new();
        for (g, rows) in readers.iter().zip(rows) {
            let group = self.group(*g);
            let own = sizes(group, all_ranges(group) & !rows);
            if sizes(group, *rows) != outer
                || (group.scan && readers.iter().any(|other| other != g && self.group(*other).scan))
                || group.contract
                || (!inner.is_empty() && !own.is_empty() && own != inner)
            {
                return None;
            }
            if !own.is_empty() {
                inner = own;
            }
        }
        for a in readers {
            if self.feeds(*a, readers) {
                return None;
            }
        }
        let target = readers[0];
        let ranges: Vec<usize> = outer.iter().chain(&inner).copied().collect();
        let mut merged =
            Group { ranges, outer: (1 << outer.len()) - 1, fixed: first.fixed, ..Group::default() };
        for (g, rows) in readers.iter().zip(rows) {
            let group = self.groups[*g].take().expect("readers name live groups");
            let (mut next_outer, mut next_inner) = (0, outer.len());
            let to: Vec<usize> = (0..group.ranges.len())
                .map(|r| {
                    let next = if rows >> r & 1 == 1 { &mut next_outer } else { &mut next_inner };
                    *next += 1;
                    *next - 1
                })
                .collect();
            let keys: Vec<(usize, usize)> = self.reach.keys().filter(|k| k.0 == *g).copied().collect();
            for key in keys {
                let mut reach = self.reach.remove(&key).expect("key was just listed");
                reach.all.remap(&to);
                reach.plain.iter_mut().for_each(|path| path.remap(&to));
                match self.reach.get_mut(&(target, key.1)) {
                    Some(known) => union(known, &reach),
                    None => {
                        self.reach.insert((target, key.1), reach);
                    }
                }
            }
            merged.fixed |= group.fixed;
            merged.scan |= group.scan;
            merged.taps.extend(group.taps);
            merged.roots.extend(group.roots.into_iter().map(|root| Root {
                axes: root.axes.iter().map(|a| a.map(|r| to[r])).collect(),
                node: root.node,
            }));
            self.owner.iter_mut().filter(|o| **o == Some(*g)).for_each(|o| *o = Some(target));
            for list in self.readers.iter_mut().filter(|l| l.contains(g)) {
                list.retain(|x| x != g && *x != target);
                list.push(target);
            }
        }
        self.groups[target] = Some(merged);
        Some(target)
    }

    /// Whether a stored value of group `from` reaches any of `to` through buffers.
    fn feeds(&self, from: usize, to: &[usize]) -> bool {
        let mut seen: FxHashSet<usize> = FxHashSet::default();
        let mut stack = vec![from];
        while let Some(g) = stack.pop() {
            let group = self.group(g);
            let stored = group.roots.iter().map(|r| &r.node).chain(&group.taps);
            for user in stored.flat_map(|n| &self.users[self.position[&n.id]]) {
                let next: &[usize] = match &self.owner[*user] {
                    Some(owner) => std::slice::from_ref(owner),
                    None => &self.readers[*user],
                };
                for next in next.iter().filter(|next| **next != g) {
                    if to.contains(next) {
                        return true;
                    }
                    if seen.insert(*next) {
                        stack.push(*next);
                    }
                }
            }
        }
        false
    }

    fn reach_of(&self, n: usize, g: usize) -> Reach {
        let node = &self.nodes[n];
        let mut all: Option<Reach> = None;
        for user in &self.users[n] {
            let reads = match self.owner[*user] {
                Some(owner) => owner == g,
                None => self.readers[*user].contains(&g),
            };
            if !reads {
                continue;
            }
            let at = &self.reach[&(g, *user)];
            for (slot, _) in self.nodes[*user].src.iter().enumerate().filter(|(_, s)| *s == node) {
                let reach = through(&self.nodes[*user], slot, at);
                match &mut all {
                    Some(known) => union(known, &reach),
                    None => all = Some(reach),
                }
            }
        }
        all.expect("a reader reaches the node through a user")
    }

    /// Computing it again in each kernel costs less than a buffer: a few operations over one or two loads.
    fn is_cheap(&self, n: usize) -> bool {
        self.cheap(&self.nodes[n], &mut SmallVec::new())
    }

    fn cheap(&self, node: &Node, seen: &mut SmallVec<[u64; CHEAP]>) -> bool {
        if seen.contains(&node.id) {
            return true;
        }
        if !is_leaf(node) && node.op.is_movement() {
            return self.cheap(&node.src[0], seen);
        }
        if seen.len() == CHEAP {
            return false;
        }
        let first = seen.is_empty();
        seen.push(node.id);
        if is_leaf(node) || (!first && self.ends_contraction(node)) {
            return true;
        }
        match &node.op {
            // It has a buffer to load from.
            Op::Contiguous | Op::Custom(_) => true,
            Op::After => self.cheap(&node.src[0], seen),
            Op::Reduce(..) | Op::Scan(..) | Op::Gather => false,
            Op::Unary(Unary::Sqrt | Unary::Exp2 | Unary::Log2 | Unary::Sin | Unary::Recip) => false,
            _ => node.src.iter().all(|s| self.cheap(s, seen)),
        }
    }

    /// Whether this is what a contraction's kernel stores: the last of its epilogue, read by several.
    fn ends_contraction(&self, node: &Node) -> bool {
        let mut at = node;
        if self.users[self.position[&at.id]].len() < 2 {
            return false;
        }
        loop {
            at = match &at.op {
                Op::Reduce(..) => return is_contraction(at),
                op if op.is_movement() => &at.src[0],
                Op::Unary(_) | Op::Binary(_) => &at.src[0],
                _ => return false,
            };
            if is_leaf(at) || self.users[self.position[&at.id]].len() > 1 {
                return false;
            }
        }
    }

    fn finish(self) -> Fusion {
        let mut index = vec![0; self.groups.len()];
        let mut groups = Vec::new();
        for (i, group) in self.groups.into_iter().enumerate() {
            if let Some(group) = group {
                index[i] = groups.len();
                groups.push(group);
            }
        }
        let (nodes, owner) = (&self.nodes, &self.owner);
        Fusion {
            owner: (0..nodes.len()).filter_map(|n| Some((nodes[n].id, index[owner[n]?]))).collect(),
            stored: (0..nodes.len()).filter(|n| self.stored[*n]).map(|n| nodes[n].id).collect(),
            groups,
        }
    }
}

/// Nodes no kernel is needed for: buffers, constants, index ranges.
pub fn is_leaf(node: &Node) -> bool {
    node.is_realized() || matches!(node.op, Op::Buffer(_) | Op::Const(_) | Op::Iota)
}

fn all_ranges(group: &Group) -> u64 {
    (1u64 << group.ranges.len()) - 1
}

fn size_of(group: &Group, bits: u64) -> usize {
    let chosen = group.ranges.iter().enumerate().filter(|(r, _)| bits >> r & 1 == 1);
    chosen.fold(1, |n: usize, (_, s)| n.saturating_mul(*s))
}

fn remap(bits: u64, to: &[usize]) -> u64 {
    to.iter().enumerate().fold(bits & REDUCED, |out, (r, t)| out | (bits >> r & 1) << t)
}

fn union(known: &mut Reach, other: &Reach) {
    known.all.union(&other.all);
    match (&mut known.plain, &other.plain) {
        (Some(a), Some(b)) => a.union(b),
        (none @ None, some) => *none = some.clone(),
        (Some(_), None) => {}
    }
}

/// How the source in `slot` of `user` is reached, given how `user` is.
fn through(user: &Node, slot: usize, at: &Reach) -> Reach {
    let passes = !matches!(user.op, Op::Reduce(..));
    let plain = at.plain.as_ref().filter(|_| passes).map(|path| along(user, slot, path));
    Reach { all: along(user, slot, &at.all), plain }
}

fn along(user: &Node, slot: usize, at: &Path) -> Path {
    let axes = &at.axes;
    let shape: &Shape = &user.src[slot].shape;
    let keep = |axes: Vec<u64>| Path { axes, clean: at.clean };
    let mut reach = match &user.op {
        Op::Buffer(_) | Op::Const(_) | Op::Iota => unreachable!("leaves have no sources"),
        Op::Unary(_) | Op::Binary(_) | Op::Where | Op::Cast | Op::Bitcast | Op::Contiguous => {
            keep(axes.clone())
        }
        Op::Scan(..) => keep(axes.clone()),
        Op::Reduce(_, reduced) => Path {
            axes: (0..axes.len()).map(|i| if reduced.contains(&i) { REDUCED } else { axes[i] }).collect(),
            clean: false,
        },
        Op::Reshape => {
            let mut out = vec![0; shape.len()];
            for (from, to) in axis_groups(shape, &user.shape) {
                let bits = to.fold(0, |bits, i| bits | axes[i]);
                from.for_each(|i| out[i] = bits);
            }
            keep(out)
        }
        Op::Permute(order) => {
            let mut out = vec![0; shape.len()];
            order.iter().zip(axes).for_each(|(a, bits)| out[*a] = *bits);
            keep(out)
        }
        Op::Expand => keep(axes.clone()),
        Op::Mark(_) => keep(axes.clone()),
        Op::After if slot == 0 => keep(axes.clone()),
        Op::After | Op::Custom(_) => Path { axes: vec![0; shape.len()], clean: false },
        Op::Pad(_) | Op::Shrink(_) | Op::Flip(_) => Path { axes: axes.clone(), clean: false },
        Op::Window(w) => {
            let mut out = axes[..shape.len()].to_vec();
            out[w.axis] |= axes[shape.len()];
            Path { axes: out, clean: false }
        }
        Op::Unwindow(w) => {
            let mut out = axes.clone();
            out[w.axis] |= axes[axes.len() - 1];
            Path { axes: out, clean: false }
        }
        Op::Gather => {
            let picked = user.src[1].shape.len();
            let out = if slot == 1 {
                axes[..picked].to_vec()
            } else {
                let row = axes[..picked].iter().fold(0, |a, b| a | b);
                std::iter::once(row).chain(axes[picked..].iter().copied()).collect()
            };
            Path { axes: out, clean: false }
        }
    };
    reach.axes.iter_mut().zip(shape).filter(|(_, s)| **s == 1).for_each(|(bits, _)| *bits = 0);
    reach
}
