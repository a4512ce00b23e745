use super::{ArgId, Expr, Kernel};

/// Drops arguments that the kernel neither reads nor writes, each with its entry of `of_args`.
pub fn prune<T>(kernel: &mut Kernel, of_args: &mut Vec<T>) {
    let factors = kernel.contract.iter().flat_map(|c| [c.a, c.b]);
    let roots: Vec<_> = kernel
        .accs
        .iter()
        .map(|a| a.value)
        .chain(kernel.stores.iter().map(|s| s.value))
        .chain(factors)
        .chain(kernel.scanned().iter().copied())
        .collect();
    let mut needed = vec![false; kernel.exprs.len()];
    kernel.needed(&roots).into_iter().for_each(|e| needed[e] = true);
    let mut used = vec![false; kernel.args.len()];
    for (typed, needed) in kernel.exprs.iter_mut().zip(needed) {
        match &typed.expr {
            Expr::Load { arg, .. } if needed => used[*arg] = true,
            Expr::Load { .. } => typed.expr = Expr::Const(0),
            _ => {}
        }
    }
    kernel.stores.iter().for_each(|s| used[s.arg] = true);
    let to = |arg: ArgId| used[..arg].iter().filter(|u| **u).count();
    kernel.stores.iter_mut().for_each(|s| s.arg = to(s.arg));
    for typed in &mut kernel.exprs {
        if let Expr::Load { arg, .. } = &mut typed.expr {
            *arg = to(*arg);
        }
    }
    let mut keep = used.iter();
    kernel.args.retain(|_| keep.next() == Some(&true));
    let mut keep = used.iter();
    of_args.retain(|_| keep.next() == Some(&true));
}
