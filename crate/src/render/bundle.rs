//! Which kernels of a bundle share a dispatch, and the shader of one. Independent kernels divide the workgroups among
//! them; ordered ones run one after another in a single workgroup.

use super::{
    Bindings, Form, Part, Shader, Site, Target, contract, cooperative, custom, direct, form, map, mma, part,
    part_of, reduce,
};
use crate::{graph::Custom, kernel::Kernel, runtime::Bundle};
use std::rc::Rc;

/// Bytes of workgroup memory every device has.
const WORKGROUP_BYTES: usize = 16_384;
/// Sizes of the workgroup that a chain of kernels runs in.
const CHAIN_THREADS: [usize; 2] = [64, 256];
const EMULATED_CHAIN_THREADS: [usize; 2] = [16, 64];

pub struct Dispatch {
    /// Kernels, each with the number of its first argument.
    pub kernels: Vec<(Rc<Kernel>, usize)>,
    ordered: bool,
    threads: usize,
}

/// A bundle as dispatches: kernels whose workgroups do not go together get dispatches of their own.
pub fn dispatches(bundle: &Bundle, target: Target) -> Vec<Dispatch> {
    let mut args = 0;
    let mut kernels = Vec::new();
    for kernel in &bundle.kernels {
        if kernel.rows() > 0 {
            kernels.push((kernel.clone(), args));
        }
        args += kernel.args.len();
    }
    if bundle.ordered && !kernels.is_empty() {
        vec![chain(kernels, target)]
    } else {
        side_by_side(kernels, target)
    }
}

fn chain(kernels: Vec<(Rc<Kernel>, usize)>, target: Target) -> Dispatch {
    let [least, most] = if target.emulated { EMULATED_CHAIN_THREADS } else { CHAIN_THREADS };
    let wanted = |kernel: &Kernel| match form(kernel, target) {
        Form::Map | Form::Contract(_) | Form::Mma(_) | Form::Cooperative(_) | Form::Direct(_) => {
            kernel.rows()
        }
        Form::Reduce { lanes } => kernel.rows() * lanes,
    };
    let widest = kernels.iter().map(|(k, _)| wanted(k)).max().unwrap_or(1);
    Dispatch { kernels, ordered: true, threads: widest.next_power_of_two().clamp(least, most) }
}

/// Tiles decide the size of their workgroup; all else takes part in workgroups of any size.
fn side_by_side(kernels: Vec<(Rc<Kernel>, usize)>, target: Target) -> Vec<Dispatch> {
    let tile_threads = |kernel: &Kernel| match form(kernel, target) {
        Form::Contract(tile) => Some(tile.threads()),
        Form::Mma(tile) => Some(tile.threads()),
        Form::Cooperative(tile) => Some(tile.threads()),
        Form::Map | Form::Reduce { .. } | Form::Direct(_) => None,
    };
    let tiled = |kernel: &Kernel| !matches!(form(kernel, target), Form::Map | Form::Reduce { .. });
    let (tiled, others): (Vec<_>, Vec<_>) = kernels.into_iter().partition(|(k, _)| tiled(k));
    let mut dispatches: Vec<(Dispatch, usize)> = Vec::new();
    for (kernel, at) in tiled.into_iter().chain(others) {
        let own = tile_threads(&kernel);
        let room = |(d, used): &&mut (Dispatch, usize)| {
            own.is_none_or(|t| t == d.threads)
                && used + workgroup_bytes(&kernel, d.threads, target) <= WORKGROUP_BYTES
        };
        match dispatches.iter_mut().find(room) {
            Some((dispatch, used)) => {
                *used += workgroup_bytes(&kernel, dispatch.threads, target);
                dispatch.kernels.push((kernel, at));
            }
            None => {
                let threads = own.unwrap_or_else(|| threads(&kernel, target));
                let used = workgroup_bytes(&kernel, threads, target);
                dispatches.push((Dispatch { kernels: vec![(kernel, at)], ordered: false, threads }, used));
            }
        }
    }
    dispatches.into_iter().map(|d| d.0).collect()
}

fn threads(kernel: &Kernel, target: Target) -> usize {
    match form(kernel, target) {
        Form::Map => map::threads(kernel, target.lang),
        Form::Reduce { lanes } => reduce::threads(kernel, target, lanes),
        Form::Contract(tile) => tile.threads(),
        Form::Mma(tile) => tile.threads(),
        Form::Cooperative(tile) => tile.threads(),
        Form::Direct(tile) => direct::threads(kernel, tile),
    }
}

fn workgroup_bytes(kernel: &Kernel, threads: usize, target: Target) -> usize {
    match form(kernel, target) {
        Form::Map | Form::Reduce { lanes: 1 } | Form::Direct(_) => 0,
        Form::Reduce { .. } => kernel.accs.iter().map(|a| threads * a.dtype.size()).sum(),
        Form::Contract(tile) => contract::workgroup_bytes(tile),
        Form::Mma(tile) => mma::workgroup_bytes(tile),
        Form::Cooperative(tile) => cooperative::workgroup_bytes(tile),
    }
}

impl Dispatch {
    pub fn name(&self) -> String {
        let names: Vec<&str> = self.kernels.iter().map(|(k, _)| k.name.as_str()).collect();
        names.join("+")
    }

    /// The user's kernel that this runs, if it is one.
    pub fn custom(&self) -> Option<&Rc<Custom>> {
        self.kernels[0].0.custom()
    }

    pub fn render(&self, bindings: Bindings, target: Target) -> Shader {
        if let Some(custom) = self.custom() {
            return custom::shader(custom, bindings, target);
        }
        let site = |i: usize, prefix| {
            let (kernel, first) = &self.kernels[i];
            Site { kernel, bindings, first: *first, prefix, target }
        };
        if self.kernels.len() == 1 && !self.ordered {
            let part = part(site(0, ""));
            let call = "  part(group, thread);\n";
            return super::shader(bindings, target.lang, call, &part);
        }
        let prefixes: Vec<String> = (0..self.kernels.len()).map(|i| format!("k{i}_")).collect();
        let all: Vec<Part> =
            prefixes.iter().enumerate().map(|(i, p)| part_of(site(i, p), self.threads)).collect();
        let text: Vec<&str> = all.iter().map(|p| p.text.as_str()).collect();
        let (body, groups) = if self.ordered {
            (one_after_another(&all, &prefixes, target), 1)
        } else {
            (divided(&all, &prefixes), all.iter().map(|p| p.groups).sum())
        };
        let shared = all.iter().map(|p| p.shared).max().unwrap_or(0);
        let whole = Part { text: text.join("\n"), groups, threads: self.threads, shared, blocks: 0 };
        super::shader(bindings, target.lang, &body, &whole)
    }
}

fn one_after_another(parts: &[Part], prefixes: &[String], target: Target) -> String {
    let call = |(part, prefix): (&Part, &String)| {
        let head = (target.lang.for_loop)("g", &0, &part.groups, 1);
        format!("  {head} {{\n    {prefix}part(g, thread);\n  }}\n")
    };
    let calls: Vec<String> = parts.iter().zip(prefixes).map(call).collect();
    calls.join(&format!("  {}\n", target.lang.barrier))
}

fn divided(parts: &[Part], prefixes: &[String]) -> String {
    let mut first = 0;
    let call = |(part, prefix): (&Part, &String)| {
        let from = first;
        first += part.groups;
        format!("if (group < {first}) {{\n    {prefix}part(group - {from}, thread);\n  }}")
    };
    let calls: Vec<String> = parts.iter().zip(prefixes).map(call).collect();
    format!("  {}\n", calls.join(" else "))
}
