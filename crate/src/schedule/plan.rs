//! Graph → plan: kernels in order, where each argument lives, how much memory the temporaries take.

use super::{
    blocks::blocks,
    bundle::{self, Group},
    fuse, rewrite,
};
use crate::{
    error::{Error, Result},
    graph::{Leaf, Node, Op, Shape, Verdict},
    kernel::{Acc, Expr, Kernel, Lowered, coalesce, lower, prune, split},
    runtime::{Bundle, Device, Program},
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// Where an argument of a planned launch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The n-th input of the plan.
    Input(usize),
    /// The n-th output of the plan.
    Output(usize),
    /// Bytes in the memory that all plans of a device share for temporaries.
    Temp { offset: usize, bytes: usize },
}

/// One launch.
pub struct Step {
    pub bundle: Bundle,
    pub program: Program,
    pub args: Vec<Place>,
}

impl Step {
    pub fn work(&self) -> Work {
        work(1, self.bundle.kernels.iter().map(|k| &**k))
    }
}

/// Compiled once per graph structure and device; run with any buffers of the same shapes.
pub struct Plan {
    pub id: u64,
    pub steps: Vec<Step>,
    pub temp_bytes: usize,
    /// For each requested node its output, or the input that already is its value.
    pub results: Vec<Place>,
    pub output_bytes: Vec<usize>,
    pub work: Work,
    /// What compilers say of the kernels that are the user's.
    pub verdicts: Vec<Rc<Verdict>>,
}

/// Deterministic counts of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Launches.
    pub kernels: u64,
    pub flops: u64,
    /// Bytes the kernels read and write, each element once per kernel.
    pub bytes: u64,
}

/// Plans `outputs` for a device; `inputs` are the computed nodes and leaves below them, in the order of `Place::Input`.
pub fn plan(id: u64, outputs: &[Node], inputs: &[Node], device: &dyn Device) -> Result<Plan> {
    rewrite::forget();
    let rewritten = rewrite::rewrite(&blocks(outputs, device.rows()), inputs);
    #[cfg(debug_assertions)]
    crate::graph::verify(&rewritten);
    let mut kernels = order(lower_within(&rewritten, device.limits().max_buffers, device.packed()));
    kernels.iter_mut().for_each(|l| coalesce(&mut l.kernel));
    let kernels: Vec<Lowered> = kernels.into_iter().flat_map(|l| halves(l, device)).collect();
    let needs = needs(&kernels);
    let (buffers, kernels): (Vec<_>, Vec<_>) = kernels.into_iter().map(|l| (l.buffers, l.kernel)).unzip();
    let groups = bundle::bundle(&kernels, &needs);
    let wanted: FxHashMap<u64, usize> = rewritten.iter().enumerate().rev().map(|(i, n)| (n.id, i)).collect();
    let input: FxHashMap<u64, usize> = inputs.iter().enumerate().map(|(i, n)| (n.id, i)).collect();
    let temps = place_temps(&groups, &kernels, &buffers, &wanted, device.limits().alignment);
    let place = |n: &Node| {
        if let Some(i) = input.get(&n.id) {
            Place::Input(*i)
        } else if let Some(i) = wanted.get(&n.id) {
            Place::Output(*i)
        } else {
            Place::Temp { offset: temps.offsets[&n.id], bytes: n.bytes() }
        }
    };
    let work = work(groups.len(), &kernels);
    debug_assert!(kernels.iter().all(Kernel::unconditional_stay_inside), "a kernel reaches past an argument");
    let kernels: Vec<Rc<Kernel>> = kernels.into_iter().map(Rc::new).collect();
    let mut verdicts = Vec::new();
    for custom in kernels.iter().filter_map(|k| k.custom()) {
        if device.name() != "cpu" {
            verdicts.push(custom.verdict.clone());
        }
    }
    let mut steps = Vec::with_capacity(groups.len());
    for group in groups {
        let args = group.kernels.iter().flat_map(|k| &buffers[*k]).map(place).collect();
        let own = group.kernels.iter().map(|k| kernels[*k].clone()).collect();
        let bundle = Bundle { kernels: own, ordered: group.ordered };
        steps.push(Step { program: device.compile(&bundle)?, bundle, args });
    }
    let results = rewritten
        .iter()
        .map(|n| match input.get(&n.id) {
            Some(i) => Place::Input(*i),
            None => Place::Output(wanted[&n.id]),
        })
        .collect();
    let output_bytes = outputs.iter().map(Node::bytes).collect();
    Ok(Plan { id, steps, temp_bytes: temps.bytes, results, output_bytes, work, verdicts })
}

/// Kernels that each touch at most `max_buffers` buffers: where fusion would exceed it, values in between are stored.
fn lower_within(outputs: &[Node], max_buffers: usize, packed: bool) -> Vec<Lowered> {
    let mut forced = FxHashSet::default();
    loop {
        let fusion = fuse::fuse(outputs, &forced, packed);
        let lowered: Vec<Lowered> = (0..fusion.groups.len()).map(|g| lower(&fusion, g)).collect();
        let mut grew = false;
        for (g, l) in lowered.iter().enumerate() {
            grew |= l.apart.as_ref().is_some_and(|scan| forced.insert(scan.id));
            if buffers(l, outputs) > max_buffers
                && let Some(node) = cut(&fusion, g, max_buffers)
            {
                grew |= forced.insert(node.id);
            }
        }
        if !grew {
            return lowered;
        }
    }
}

/// A kernel, or the two that its long sums are cut into.
fn halves(lowered: Lowered, device: &dyn Device) -> Vec<Lowered> {
    let Some(cut) = split(&lowered.kernel, device.parts(&lowered.kernel)) else { return vec![lowered] };
    let scratch = |acc: &Acc, bytes: &usize| {
        Node::leaf(Leaf::default(), Shape::from_slice(&[bytes / acc.dtype.size()]), acc.dtype)
    };
    let mut buffers = lowered.buffers;
    buffers.extend(lowered.kernel.accs.iter().zip(&cut.scratch).map(|(acc, bytes)| scratch(acc, bytes)));
    let half = |mut kernel: Kernel| {
        let mut buffers = buffers.clone();
        prune(&mut kernel, &mut buffers);
        // What the parts write the whole reads.
        for (i, arg) in kernel.args.iter_mut().enumerate() {
            arg.written = kernel.stores.iter().any(|s| s.arg == i);
        }
        Lowered { kernel, buffers, apart: None, after: lowered.after.clone() }
    };
    vec![half(cut.parts), half(cut.whole)]
}

/// Buffers a kernel touches; temporaries share one.
fn buffers(lowered: &Lowered, outputs: &[Node]) -> usize {
    let own = |n: &&Node| fuse::is_leaf(n) || outputs.contains(n);
    let separate = lowered.buffers.iter().filter(own).count();
    separate + usize::from(separate < lowered.buffers.len())
}

/// The node of a group to store so that the group splits: the one reading most buffers that still fits a kernel.
fn cut(fusion: &fuse::Fusion, group: usize, max_buffers: usize) -> Option<Node> {
    let roots: Vec<Node> = fusion.groups[group].roots.iter().map(|r| r.node.clone()).collect();
    let inside = |n: &Node| !fuse::is_leaf(n) && (!fusion.stored.contains(&n.id) || roots.contains(n));
    let mut reads: FxHashMap<u64, FxHashSet<u64>> = FxHashMap::default();
    let mut best: Option<(usize, Node)> = None;
    for node in crate::graph::walk(&roots, inside) {
        let mut own = FxHashSet::default();
        if inside(&node) {
            node.src.iter().for_each(|s| own.extend(&reads[&s.id]));
        } else if !matches!(node.op, Op::Const(_) | Op::Iota) {
            own.insert(node.id);
        }
        let count = own.len();
        if inside(&node)
            && !node.op.is_movement()
            && !roots.contains(&node)
            && count > 1
            && count < max_buffers
            && best.as_ref().is_none_or(|b| count > b.0)
        {
            best = Some((count, node.clone()));
        }
        reads.insert(node.id, own);
    }
    best.map(|b| b.1).or_else(|| fusion.groups[group].taps.first().cloned())
}

/// For each kernel those whose results it reads or has to wait for.
fn needs(kernels: &[Lowered]) -> Vec<Vec<usize>> {
    let mut writer: FxHashMap<u64, usize> = FxHashMap::default();
    for (i, l) in kernels.iter().enumerate() {
        l.kernel.stores.iter().for_each(|s| {
            writer.insert(l.buffers[s.arg].id, i);
        });
    }
    let reads = |(i, l): (usize, &Lowered)| -> Vec<usize> {
        let read = l.kernel.args.iter().zip(&l.buffers).filter(|(a, _)| !a.written).map(|(_, n)| n);
        // A leaf that is itself wanted is copied onto itself.
        read.chain(&l.after).filter_map(|n| writer.get(&n.id).copied()).filter(|n| *n != i).collect()
    };
    kernels.iter().enumerate().map(reads).collect()
}

/// Kernels so that each runs after those whose buffers it reads.
fn order(kernels: Vec<Lowered>) -> Vec<Lowered> {
    let needs = needs(&kernels);
    let mut sorted = Vec::with_capacity(kernels.len());
    let mut state = vec![0u8; kernels.len()];
    let mut stack: Vec<usize> = (0..kernels.len()).rev().collect();
    while let Some(i) = stack.pop() {
        match state[i] {
            0 => {
                state[i] = 1;
                stack.push(i);
                stack.extend(needs[i].iter().filter(|n| state[**n] == 0));
            }
            1 => {
                state[i] = 2;
                sorted.push(i);
            }
            _ => {}
        }
    }
    let mut slots: Vec<Option<Lowered>> = kernels.into_iter().map(Some).collect();
    sorted.into_iter().filter_map(|i| slots[i].take()).collect()
}

struct Temps {
    offsets: FxHashMap<u64, usize>,
    bytes: usize,
}

/// First fit over the lifetimes of the temporaries, largest first. What one launch touches never shares memory.
fn place_temps(
    groups: &[Group],
    kernels: &[Kernel],
    buffers: &[Vec<Node>],
    wanted: &FxHashMap<u64, usize>,
    alignment: usize,
) -> Temps {
    let mut lives: FxHashMap<u64, (usize, usize, usize)> = FxHashMap::default();
    for (at, group) in groups.iter().enumerate() {
        for k in &group.kernels {
            for store in &kernels[*k].stores {
                let node = &buffers[*k][store.arg];
                if !wanted.contains_key(&node.id) {
                    let bytes = node.bytes().checked_next_multiple_of(alignment).unwrap_or(usize::MAX);
                    lives.insert(node.id, (at, at, bytes));
                }
            }
            for node in &buffers[*k] {
                if let Some(life) = lives.get_mut(&node.id) {
                    life.1 = at;
                }
            }
        }
    }
    let mut by_size: Vec<(u64, (usize, usize, usize))> = lives.into_iter().collect();
    by_size.sort_by_key(|(id, (_, _, bytes))| (std::cmp::Reverse(*bytes), *id));
    let mut placed: Vec<(usize, usize, usize, usize)> = Vec::new();
    let mut temps = Temps { offsets: FxHashMap::default(), bytes: 0 };
    for (id, (from, to, bytes)) in by_size {
        let mut busy: Vec<(usize, usize)> =
            placed.iter().filter(|p| p.0 <= to && from <= p.1).map(|p| (p.2, p.3)).collect();
        busy.sort_unstable();
        let offset =
            busy.iter().fold(
                0usize,
                |at, (start, end)| if at.saturating_add(bytes) <= *start { at } else { at.max(*end) },
            );
        let end = offset.saturating_add(bytes);
        placed.push((from, to, offset, end));
        temps.offsets.insert(id, offset);
        temps.bytes = temps.bytes.max(end);
    }
    temps
}

fn work<'a>(launches: usize, kernels: impl IntoIterator<Item = &'a Kernel>) -> Work {
    let mut work = Work { kernels: launches as u64, ..Work::default() };
    for kernel in kernels {
        work.flops += flops(kernel);
        work.bytes += kernel.args.iter().map(|a| a.numel as u64 * a.dtype.size() as u64).sum::<u64>();
    }
    work
}

/// Arithmetic on floats: one per operation and point, two per multiply-add of a contraction.
fn flops(kernel: &Kernel) -> u64 {
    let count = |roots: &[usize], points: usize| {
        let ops = kernel.needed(roots).into_iter().filter(|e| {
            kernel.exprs[*e].dtype.is_float()
                && matches!(kernel.exprs[*e].expr, Expr::Unary(..) | Expr::Binary(..))
        });
        ops.count() as u64 * points as u64
    };
    let rows = kernel.rows();
    let reduced = |a: &Acc| {
        let points = rows * kernel.size(&a.ranges);
        count(&[a.value], points) + points as u64
    };
    let stored = |per_element: bool, points: usize| {
        let own = kernel.stores.iter().filter(|s| s.per_element == per_element);
        count(&own.map(|s| s.value).collect::<Vec<_>>(), points)
    };
    let accs: u64 = kernel.accs.iter().map(reduced).sum();
    let points = rows * kernel.size(&kernel.inner);
    let scan = count(kernel.scanned(), points) + (kernel.scanned().len() * points) as u64;
    accs + scan + stored(false, rows) + stored(true, points)
}

/// The error for work that no device can hold.
pub fn too_big(bytes: usize, device: &dyn Device) -> Error {
    Error::device(
        "realize",
        format!("a tensor of {bytes} bytes"),
        format!("at most {} bytes on {}", device.limits().max_bytes, device.name()),
        "use a smaller shape or batch",
    )
}
