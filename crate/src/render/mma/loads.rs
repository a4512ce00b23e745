//! How a factor comes to shared memory: 16 bytes at a time straight from its buffer where they lie together there,
//! else computed in registers while the tile before is multiplied.

use super::{Math, Tile};
use crate::{
    kernel::ExprId,
    render::{
        Site,
        contract::{self, Side},
        printer::Printer,
    },
};

/// Where a tile's elements lie in shared memory.
pub struct Layout {
    /// Neighbours are terms of one row; else rows (or columns) of one term.
    pub by_terms: bool,
    /// Elements from row to row and from term to term.
    pub row: usize,
    pub term: usize,
    /// Elements of the tile.
    pub size: usize,
    block: usize,
    block_k: usize,
    vector: usize,
}

impl Layout {
    /// Longer lines than they hold, so that what a warp reads lies in different banks.
    pub fn new(tile: Tile, block: usize, by_terms: bool) -> Layout {
        let (block_k, vector) = (tile.block_k, tile.math.vector());
        let (line, lines) = if by_terms {
            (block_k + vector, block)
        } else {
            (block + if tile.math.cores() { 8 } else { 0 }, block_k)
        };
        let (row, term) = if by_terms { (line, 1) } else { (1, line) };
        Layout { by_terms, row, term, size: line * lines, block, block_k, vector }
    }

    pub fn along(&self) -> &'static str {
        if self.by_terms { "terms" } else { "rows" }
    }

    /// Row and term of 16 bytes in the tile, by their number `at`.
    fn place(&self) -> (String, String) {
        let v = self.vector;
        if self.by_terms {
            let each = self.block_k / v;
            (format!("at / {each}"), format!("at % {each} * {v}"))
        } else {
            let each = self.block / v;
            (format!("at % {each} * {v}"), format!("at / {each}"))
        }
    }
}

/// Type of an element in shared memory.
pub fn memory(math: Math) -> &'static str {
    match math {
        Math::F16 | Math::BF16 => "unsigned short",
        Math::Tf32 | Math::F32 => "float",
    }
}

pub struct Loads {
    pub layout: Layout,
    /// Copies, or computes, 16 bytes of the tile.
    pub function: String,
    /// Declares the registers it comes through.
    pub held: String,
    pub start: String,
    pub put: String,
}

impl Loads {
    pub fn new(site: Site, tile: Tile, factor: ExprId, side: Side<'_>, name: &str) -> Loads {
        let (kernel, prefix) = (site.kernel, site.prefix);
        let (var, ranges, block) = side;
        let c = kernel.contract.as_ref().expect("a loader is of a contraction");
        let layout = Layout::new(tile, block, contract::steps_along(kernel, factor, &c.k, ranges));
        let vector = tile.math.vector();
        let memory = memory(tile.math);
        let (bounded, neighbours): ([Side; 1], Side) = if layout.by_terms {
            ([side], ("k", &c.k, tile.block_k))
        } else {
            ([("k", &c.k, tile.block_k)], side)
        };
        let head = format!("// {vector} neighbours of the factor, zeros outside.\n__device__");
        let arguments = format!("int batch, int {var}, int k) const");
        let (row, term) = layout.place();
        let count = layout.block * tile.block_k / vector / tile.threads();
        let each = |body: String| {
            format!(
                "#pragma unroll\n      for (int i = 0; i < {count}; i += 1) {{\n        int at = thread + i * {};\n{body}      }}\n",
                tile.threads()
            )
        };
        let to = format!(
            "shared_{name} + next * {} + ({row}) * {} + ({term}) * {}",
            layout.size, layout.row, layout.term
        );
        let place = format!("batch, first_{var} + {row}, next_k + {term}");
        let mut p = Printer::new(site);
        if let Some(copy) = p.copy_of(factor, bounded[0], neighbours, vector) {
            let function = format!("{head} void {prefix}copy_{name}(void* to, {arguments} {{\n{copy}}}\n");
            let start = each(format!("        {prefix}copy_{name}({to}, {place});\n"));
            return Loads { layout, function, held: String::new(), start, put: String::new() };
        }
        let mut p = Printer::new(site);
        p.computed(factor, bounded[0], neighbours, vector, tile.math.dtype());
        let body = p.out;
        let function = format!(
            "{head} wide<{memory}, {vector}> {prefix}load_{name}({arguments} {{\n  wide<{memory}, {vector}> values = {{}};\n{body}  return values;\n}}\n"
        );
        Loads {
            layout,
            function,
            held: format!("  wide<{memory}, {vector}> next_{name}[{count}];\n"),
            start: each(format!("        next_{name}[i] = {prefix}load_{name}({place});\n")),
            put: each(format!("        *(wide<{memory}, {vector}>*)({to}) = next_{name}[i];\n")),
        }
    }
}
