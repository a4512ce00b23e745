//! Which kernels share a launch. A launch costs a GPU more than a small kernel's work: independent small kernels go
//! side by side, and chains of tiny ones run one after another inside one workgroup.

use crate::{kernel::Kernel, runtime::MAX_ARGS};

/// Outputs of a kernel that do not fill a GPU, and of a contraction, whose invocations compute several.
const SMALL: usize = 1 << 17;
const SMALL_CONTRACTION: usize = 1 << 19;
/// Points of all loops of a kernel that one workgroup is quick with, and of a whole chain.
const TINY: usize = 1 << 12;
const CHAIN: usize = 1 << 14;

/// Bytes of all arguments of a kernel that may wait.
const PATIENT_BYTES: usize = 1 << 22;

/// Kernels of one launch, by number.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    pub kernels: Vec<usize>,
    /// Each sees what those before it wrote; otherwise they are independent.
    pub ordered: bool,
}

/// Launches in order, such that `needs[k]`, the kernels whose results kernel `k` reads, come before it.
pub fn bundle(kernels: &[Kernel], needs: &[Vec<usize>]) -> Vec<Group> {
    let mut left: Vec<usize> = (0..kernels.len()).collect();
    let mut groups = Vec::new();
    while !left.is_empty() {
        let waiting = |k: usize, left: &[usize]| needs[k].iter().any(|n| left.contains(n));
        let ready: Vec<usize> = left.iter().copied().filter(|k| !waiting(*k, &left)).collect();
        let small: Vec<usize> = ready.iter().copied().filter(|k| is_small(&kernels[*k])).collect();
        // What nobody waits for and keeps little memory rides with what comes later.
        let patient = |k: &usize| {
            bytes(&kernels[*k]) <= PATIENT_BYTES && !left.iter().any(|other| needs[*other].contains(k))
        };
        let first = ready.iter().find(|k| !patient(k)).filter(|_| small.iter().all(patient));
        let group = if let Some(first) = first.or(ready.first().filter(|_| small.is_empty())) {
            Group { kernels: vec![*first], ordered: false }
        } else if small.iter().all(|k| kernels[*k].points() <= TINY) {
            chain(kernels, needs, &left)
        } else {
            Group { kernels: within_args(kernels, small), ordered: false }
        };
        left.retain(|k| !group.kernels.contains(k));
        groups.push(group);
    }
    groups
}

/// Tiny kernels that need only each other and what ran before.
fn chain(kernels: &[Kernel], needs: &[Vec<usize>], left: &[usize]) -> Group {
    let mut chosen: Vec<usize> = Vec::new();
    let (mut work, mut args, mut ordered) = (0, 0, false);
    for k in left.iter().copied() {
        let (own, its) = (kernels[k].points(), kernels[k].args.len());
        let ready = needs[k].iter().all(|n| chosen.contains(n) || !left.contains(n));
        let fits = own <= TINY && (chosen.is_empty() || (work + own <= CHAIN && args + its <= MAX_ARGS));
        if ready && fits {
            ordered |= needs[k].iter().any(|n| chosen.contains(n));
            (work, args) = (work + own, args + its);
            chosen.push(k);
        }
    }
    Group { kernels: chosen, ordered }
}

/// The first of `small` that a launch has arguments for, those included that parts of split sums hand over.
fn within_args(kernels: &[Kernel], small: Vec<usize>) -> Vec<usize> {
    let mut args = 0;
    let fits = |k: &usize| {
        args += kernels[*k].args.len() + kernels[*k].accs.len();
        args <= MAX_ARGS
    };
    let first = small[0];
    let chosen: Vec<usize> = small.into_iter().take_while(fits).collect();
    if chosen.is_empty() { vec![first] } else { chosen }
}

fn bytes(kernel: &Kernel) -> usize {
    kernel.args.iter().map(|a| a.numel.saturating_mul(a.dtype.size())).sum()
}

fn is_small(kernel: &Kernel) -> bool {
    if kernel.custom.is_some() {
        return false;
    }
    let most = if kernel.contract.is_some() { SMALL_CONTRACTION } else { SMALL };
    kernel.rows().saturating_mul(kernel.size(&kernel.inner)) <= most
}
