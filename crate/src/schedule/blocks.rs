//! Graph → graph, for devices that want many rows: running sums and maxima of few long rows as blocks side by side,
//! each joined with what the blocks before it come to. Other recurrences stay whole: the product of many factors can
//! leave the range of floats where no value of the recurrence does.

use super::rewrite::rebuild;
use crate::{
    graph::{Binary, DType, Node, Op, Pairs, Scan, Shape, topo},
    tensor::build,
};
use rustc_hash::FxHashMap;

/// Elements of a block.
const LENGTH: usize = 64;
/// Rows up to this length are walked as they are.
const SHORT: usize = 256;

/// Equivalent outputs, in order, for a device that `wanted` rows keep busy.
pub fn blocks(outputs: &[Node], wanted: usize) -> Vec<Node> {
    if wanted <= 1 {
        return outputs.to_vec();
    }
    let mut done: FxHashMap<u64, Node> = FxHashMap::default();
    for node in topo(outputs) {
        let new = match &node.op {
            _ if node.is_realized() || node.src.is_empty() => node.clone(),
            Op::Scan(op, axis) => {
                let x = &done[&node.src[node.src.len() - 1].id];
                let sums = node.src[0].as_const() == Some(1.0) || *op == Scan::Max;
                if sums { scan(*op, x, *axis, wanted) } else { rebuild(&node, &done) }
            }
            _ => rebuild(&node, &done),
        };
        done.insert(node.id, new);
    }
    outputs.iter().map(|n| done[&n.id].clone()).collect()
}

fn scan(op: Scan, x: &Node, axis: usize, wanted: usize) -> Node {
    let n = x.shape[axis];
    if n <= SHORT || x.numel() / n >= wanted {
        return plain(op, x, axis);
    }
    let count = n.div_ceil(LENGTH);
    let mut pairs = Pairs::from_elem((0, 0), x.shape.len());
    pairs[axis].1 = count * LENGTH - n;
    let padded = if pairs[axis].1 > 0 { build::pad(x, pairs) } else { x.clone() };
    let mut shape: Shape = x.shape.clone();
    shape[axis] = LENGTH;
    shape.insert(axis, count);
    let own = plain(op, &build::reshape(&padded, &shape), axis + 1);
    let mut last: Pairs = shape.iter().map(|n| (0, *n)).collect();
    last[axis + 1].0 = LENGTH - 1;
    let so_far = scan(op, &build::shrink(&own, last), axis, wanted);
    let before = build::expand(&build::earlier(&so_far, axis), &shape);
    let joined = match op {
        Scan::Linear => build::add(&own, &before),
        Scan::Max => {
            let block = build::iota_along(&shape, axis, DType::I32);
            let first = build::eq(&block, &build::like(&block, 0.0));
            build::select(&first, &own, &build::binary(Binary::Max, &own, &before))
        }
    };
    let whole = x.shape.iter().map(|n| (0, *n)).collect();
    build::shrink(&build::reshape(&joined, &padded.shape), whole)
}

fn plain(op: Scan, x: &Node, axis: usize) -> Node {
    match op {
        Scan::Linear => build::scan_linear(&build::like(x, 1.0), x, axis),
        Scan::Max => build::scan_max(x, axis),
    }
}
