//! Takes a kernel and where its arguments are bound; gives shader text and a grid. Never talks to a driver.
//!
//! One C-like printer ([`printer`]) writes the generated parts; a [`Spelling`] table says how a language
//! writes them; the skeletons in `shaders/` hold everything that is not generated.

mod contract;
mod map;
mod printer;
mod reduce;
mod spelling;
pub mod wasm;
mod wgsl;

use crate::kernel::Kernel;
pub use spelling::Spelling;
pub use wgsl::WGSL;

/// Where each kernel argument is bound: `slots[arg]` is the number of a buffer binding. Bindings are numbered
/// from 0 without gaps; arguments that live in one buffer share a binding.
pub type Slots = [usize];

/// Most workgroups a dispatch may have along one dimension.
pub const MAX_GROUPS: usize = 65_535;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shader {
    pub source: String,
    /// Workgroups along x and y.
    pub grid: [u32; 2],
}

/// The three ways a kernel becomes a shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// One invocation per row, or per four rows where outputs are bytes.
    Map,
    /// `lanes` invocations per row, their partial results joined in workgroup memory.
    Reduce { lanes: usize },
    /// Workgroup and register tiles over rows and columns.
    Contract(contract::Tile),
}

fn form(kernel: &Kernel) -> Form {
    match contract::tile(kernel) {
        Some(tile) => Form::Contract(tile),
        None if kernel.accs.is_empty() && kernel.inner.is_empty() => Form::Map,
        None => Form::Reduce { lanes: reduce::lanes(kernel) },
    }
}

/// Into how many parts the kernel's reductions should be cut so that a GPU is busy; 1 for as they are.
pub fn parts(kernel: &Kernel) -> usize {
    match form(kernel) {
        Form::Map => 1,
        Form::Reduce { lanes } => reduce::parts(kernel, lanes),
        Form::Contract(tile) => contract::parts(kernel, tile),
    }
}

pub fn render(kernel: &Kernel, slots: &Slots, language: &Spelling) -> Shader {
    match form(kernel) {
        Form::Map => map::render(kernel, slots, language),
        Form::Reduce { lanes } => reduce::render(kernel, slots, language, lanes),
        Form::Contract(tile) => contract::render(kernel, slots, language, tile),
    }
}

/// Spreads workgroups over x and y so that neither exceeds the limit; the shader skips the few too many.
fn grid(groups: usize) -> [u32; 2] {
    let y = groups.div_ceil(MAX_GROUPS).max(1);
    [groups.div_ceil(y).max(1) as u32, y as u32]
}

/// Puts `parts` into the `{{name}}` holes of a skeleton.
fn fill(skeleton: &str, parts: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(skeleton.len() * 2);
    let mut rest = skeleton;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, tail) = after.split_once("}}").expect("a skeleton's hole is closed");
        let part = parts.iter().find(|(n, _)| *n == name);
        out += before;
        out += part.unwrap_or_else(|| panic!("no part for the hole {name}")).1;
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_dimension_of_a_grid_exceeds_the_limit() {
        for groups in [0, 1, 65_535, 65_536, 4_000_000, 65_535 * 65_535] {
            let [x, y] = super::grid(groups).map(|n| n as usize);
            assert!(x <= super::MAX_GROUPS && y <= super::MAX_GROUPS && x * y >= groups, "{groups}: {x}x{y}");
        }
    }
}
