//! Takes a kernel and where its arguments are bound; gives shader text and a grid. Never talks to a driver.
//!
//! One C-like printer ([`printer`]) writes the generated parts; a [`Spelling`] table says how a language
//! writes them; the skeletons in `shaders/` hold everything that is not generated.

mod bundle;
mod contract;
#[cfg(not(target_family = "wasm"))]
mod cooperative;
#[cfg(target_family = "wasm")]
#[path = "no_mma.rs"]
mod cooperative;
mod cuda;
pub mod custom;
mod direct;
mod map;
#[cfg(feature = "cuda")]
mod mma;
#[cfg(not(feature = "cuda"))]
#[path = "no_mma.rs"]
mod mma;
mod prelude;
mod printer;
mod reduce;
mod scan;
mod spelling;
pub mod wasm;
mod wgsl;

use crate::{
    graph::DType,
    kernel::{Arg, Kernel},
};
pub use bundle::{Dispatch, dispatches};
#[cfg(not(target_family = "wasm"))]
pub use cooperative::MATRICES;
pub use cuda::{CUDA, CUDA_TF32};
pub use spelling::{Matrices, MatrixSpelling, Shape, Spelling};
pub use wgsl::WGSL;
#[cfg(not(target_family = "wasm"))]
pub use wgsl::WGSL_F16;

/// Whether shaders can compute with the dtype.
pub fn holds(dtype: DType) -> bool {
    dtype.size() < 8
}

/// Where each kernel argument is bound: `slots[arg]` is the number of a buffer binding. Bindings are numbered
/// from 0 without gaps; arguments that live in one buffer share a binding. Languages of pointers ignore them.
pub type Slots = [usize];

/// Most workgroups a dispatch may have along one dimension.
pub const MAX_GROUPS: usize = 65_535;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shader {
    pub source: String,
    /// Workgroups along x and y.
    pub grid: [u32; 2],
    /// Invocations of a workgroup.
    pub threads: u32,
    /// Bytes that a workgroup's invocations share besides what the source declares.
    pub shared: u32,
}

/// A kernel as declarations, among them `fn {prefix}part(group: i32, thread: u32)` that a workgroup's invocations
/// all call.
pub struct Part {
    pub text: String,
    pub groups: usize,
    /// Invocations of a workgroup.
    pub threads: usize,
    /// Bytes they share besides what the text declares.
    pub shared: usize,
    /// Workgroups that a multiprocessor should hold; 0 for any.
    pub blocks: usize,
}

/// What shaders are made for.
#[derive(Clone, Copy)]
pub struct Target {
    pub lang: &'static Spelling,
    /// A GPU that a driver imitates on the CPU: few invocations keep it busy, and barriers are dear.
    pub emulated: bool,
    /// Neighbouring invocations that can hand values around, where their number is known; else 1.
    pub lanes: usize,
    /// What subgroups multiply together, where they do; nothing in a browser.
    pub matrices: Option<Matrices>,
}

/// The arguments of all kernels of a shader, one kernel's after another's, and where they are bound.
#[derive(Clone, Copy)]
pub struct Bindings<'a> {
    pub args: &'a [Arg],
    pub slots: &'a Slots,
}

/// One kernel of a shader.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    pub kernel: &'a Kernel,
    pub bindings: Bindings<'a>,
    /// Number of the kernel's first argument.
    pub first: usize,
    /// Begins every name the part declares.
    pub prefix: &'a str,
    pub target: Target,
}

/// The ways a kernel becomes a shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// One invocation per row, or per a word's worth of rows where outputs are packed.
    Map,
    /// `lanes` invocations per row, their partial results joined in workgroup memory.
    Reduce { lanes: usize },
    /// Workgroup and register tiles over rows and columns.
    Contract(contract::Tile),
    /// Workgroup tiles, multiplied on tensor cores.
    Mma(mma::Tile),
    /// Workgroup tiles, multiplied by subgroups together.
    Cooperative(cooperative::Tile),
    /// Register tiles alone.
    Direct(direct::Tile),
}

fn form(kernel: &Kernel, target: Target) -> Form {
    let tiled = if target.emulated {
        direct::tile(kernel, target).map(Form::Direct)
    } else {
        let cores = mma::tile(kernel, target).map(Form::Mma);
        let cores = cores.or_else(|| cooperative::tile(kernel, target).map(Form::Cooperative));
        cores.or_else(|| contract::tile(kernel).map(Form::Contract))
    };
    tiled.unwrap_or_else(|| plain_form(kernel, target))
}

fn plain_form(kernel: &Kernel, target: Target) -> Form {
    if kernel.accs.is_empty() && kernel.inner.is_empty() {
        Form::Map
    } else {
        Form::Reduce { lanes: reduce::lanes(kernel, target) }
    }
}

/// Into how many parts the kernel's reductions should be cut so that a GPU is busy; 1 for as they are.
pub fn parts(kernel: &Kernel, target: Target) -> usize {
    match form(kernel, target) {
        Form::Map => 1,
        Form::Reduce { lanes } => reduce::parts(kernel, target, lanes),
        Form::Contract(tile) => contract::parts(kernel, tile),
        Form::Mma(tile) => mma::parts(kernel, tile),
        Form::Cooperative(tile) => cooperative::parts(kernel, tile),
        Form::Direct(tile) => direct::parts(kernel, tile),
    }
}

/// How many rows of a scan keep a GPU busy.
pub fn rows(target: Target) -> usize {
    if target.emulated { 16 } else { 1 << 12 }
}

/// The kernel in workgroups of the size that suits it.
pub fn part(site: Site) -> Part {
    match form(site.kernel, site.target) {
        Form::Map => map::part(site, map::threads(site.kernel, site.target.lang)),
        Form::Reduce { lanes } => reduce::part(site, lanes, reduce::threads(site.kernel, site.target, lanes)),
        Form::Contract(tile) => contract::part(site, tile),
        Form::Mma(tile) => mma::part(site, tile),
        Form::Cooperative(tile) => cooperative::part(site, tile),
        Form::Direct(tile) => direct::part(site, tile, direct::threads(site.kernel, tile)),
    }
}

/// The kernel in workgroups of `threads` invocations, a power of two: for shaders of several kernels.
pub fn part_of(site: Site, threads: usize) -> Part {
    match form(site.kernel, site.target) {
        Form::Map => map::part(site, threads),
        Form::Reduce { lanes } => reduce::part(site, lanes.min(threads), threads),
        Form::Direct(tile) => direct::part(site, tile, threads),
        Form::Contract(tile) if tile.threads() == threads => contract::part(site, tile),
        Form::Mma(tile) if tile.threads() == threads => mma::part(site, tile),
        Form::Cooperative(tile) if tile.threads() == threads => cooperative::part(site, tile),
        Form::Contract(_) | Form::Mma(_) | Form::Cooperative(_) => {
            let lanes = reduce::lanes(site.kernel, site.target).min(threads);
            reduce::part(site, lanes, threads)
        }
    }
}

pub fn render(kernel: &Kernel, slots: &Slots, target: Target) -> Shader {
    let bindings = Bindings { args: &kernel.args, slots };
    let part = part(Site { kernel, bindings, first: 0, prefix: "", target });
    shader(bindings, target.lang, "  part(group, thread);\n", &part)
}

/// Declarations of parts, and the statements that call them with `group` and `thread`, as a whole shader.
pub fn shader(
    bindings: Bindings,
    lang: &Spelling,
    body: &str,
    &Part { ref text, groups, threads, shared, blocks }: &Part,
) -> Shader {
    let grid = grid(groups);
    let holes = [
        ("buffers", bindings.buffers(lang)),
        ("offsets", bindings.offsets()),
        ("parts", text.into()),
        ("threads", threads.to_string()),
        ("groups_x", grid[0].to_string()),
        ("groups", groups.to_string()),
        ("blocks", if blocks == 0 { String::new() } else { format!(", {blocks}") }),
        ("body", body.into()),
    ];
    let main = fill(lang.main, &holes);
    Shader {
        source: format!("{}{main}", (lang.helpers)(&main)),
        grid,
        threads: threads as u32,
        shared: shared as u32,
    }
}

impl Bindings<'_> {
    /// The element type of a binding: that of its arguments where they agree, else 4-byte words.
    fn element(&self, binding: usize) -> DType {
        let mut dtypes = self.args.iter().zip(self.slots).filter(|(_, s)| **s == binding);
        let first = dtypes.next().map_or(DType::U32, |(a, _)| a.dtype);
        if first.size() == 4 && dtypes.all(|(a, _)| a.dtype == first) { first } else { DType::U32 }
    }

    /// Declarations of all buffer bindings, or of one pointer per argument.
    fn buffers(&self, lang: &Spelling) -> String {
        if lang.words.is_none() {
            let pointers = self.args.iter().enumerate();
            return pointers.map(|(i, a)| (lang.buffer)(i, a.dtype, a.written)).collect();
        }
        let bindings = self.slots.iter().max().map_or(0, |b| b + 1);
        (0..bindings)
            .map(|b| {
                let written = self.args.iter().zip(self.slots).any(|(a, s)| *s == b && a.written);
                (lang.buffer)(b, self.element(b), written)
            })
            .collect()
    }

    /// Members of the structure that holds where each argument starts, in elements (packed ones: in words).
    fn offsets(&self) -> String {
        (0..self.slots.len()).map(|a| format!("  a{a}: i32,\n")).collect()
    }
}

impl Site<'_> {
    /// The name of the pointer to the kernel's argument.
    fn pointer(&self, arg: usize) -> String {
        format!("a{}", self.first + arg)
    }

    /// Of the kernel's argument: the buffer, where in it the argument starts, the buffer's element type.
    fn buffer(&self, arg: usize) -> (String, String, DType) {
        let number = self.first + arg;
        let slot = self.bindings.slots[number];
        (format!("b{slot}"), format!("at.a{number}"), self.bindings.element(slot))
    }
}

/// Spreads workgroups over x and y so that neither exceeds the limit; the shader skips the few too many.
fn grid(groups: usize) -> [u32; 2] {
    let y = groups.div_ceil(MAX_GROUPS).max(1);
    [groups.div_ceil(y).max(1) as u32, y as u32]
}

/// Puts `parts` into the `{{name}}` holes of a skeleton.
fn fill(skeleton: &str, parts: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(skeleton.len() * 2);
    let mut rest = skeleton;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, tail) = after.split_once("}}").expect("a skeleton's hole is closed");
        let part = parts.iter().find(|(n, _)| *n == name);
        out += before;
        out += &part.unwrap_or_else(|| panic!("no part for the hole {name}")).1;
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
