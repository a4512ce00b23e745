//! How a tile in shared memory is multiplied: by warps on tensor cores, or by threads, each a square of outputs.

use super::{Math, Tile, loads::Layout};
use crate::render::fill;

/// Neighbouring columns that are stored together.
pub fn width(tile: Tile, b: &Layout) -> usize {
    match (tile.math.cores(), b.by_terms) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 4,
    }
}

/// What a warp computes on tensor cores, in products of 16 rows or 8 columns; what a thread computes without.
fn counts(tile: Tile) -> [usize; 2] {
    let [m, n] = [tile.block_m / tile.warps_m, tile.block_n / tile.warps_n];
    if tile.math.cores() { [m / 16, n / 8] } else { [m / 4, n / 8] }
}

/// Threads along rows and columns.
fn across(tile: Tile) -> [usize; 2] {
    [tile.warps_m * 4, tile.warps_n * 8]
}

/// Terms multiplied at a time.
fn depth(tile: Tile, a: &Layout, b: &Layout) -> usize {
    match tile.math {
        Math::F16 | Math::BF16 => 16,
        Math::Tf32 => 8,
        Math::F32 if a.by_terms || b.by_terms => 4,
        Math::F32 => 1,
    }
}

/// What of a tile a thread reads first, and its sums.
pub fn places(tile: Tile, a: &Layout, b: &Layout) -> String {
    let Tile { warps_n, .. } = tile;
    let [count_m, count_n] = counts(tile);
    if !tile.math.cores() {
        let first = |l: &Layout| if l.by_terms { l.row } else { 4 };
        return format!(
            "  int row = thread / 32 / {warps_n} * 4 + thread % 32 / 8;\n  int column = thread / 32 % {warps_n} * 8 + thread % 8;\n  \
             int my_a = row * {};\n  int my_b = column * {};\n  float sums[{count_m}][{count_n}] = {{}};\n",
            first(a),
            first(b)
        );
    }
    let [warp_m, warp_n] = [tile.block_m / tile.warps_m, tile.block_n / warps_n];
    let v = tile.math.vector();
    // The rows that `ldmatrix` reads: of 8 x 8 halves, side by side or one below the other.
    let (below, beside) = ("lane % 16".to_string(), format!("lane / 16 * {v}"));
    let (pairs, halves) = ("lane % 8 + lane / 16 * 8".to_string(), format!("lane / 8 % 2 * {v}"));
    let by_one = ("lane / 4".to_string(), "lane % 4".to_string());
    let lane_a = match (a.by_terms, tile.math) {
        (true, _) => (below.clone(), beside.clone()),
        (false, Math::Tf32) => by_one.clone(),
        (false, _) => (halves.clone(), pairs.clone()),
    };
    let lane_b = match (b.by_terms, tile.math) {
        (true, _) => (pairs, halves),
        (false, Math::Tf32) => by_one,
        (false, _) => (beside, below),
    };
    let place = |warp: &str, (row, term): (String, String), l: &Layout| {
        format!("({warp} + {row}) * {} + ({term}) * {}", l.row, l.term)
    };
    format!(
        "  int lane = thread % 32;\n  int warp_m = thread / 32 / {warps_n} * {warp_m};\n  int warp_n = thread / 32 % {warps_n} * {warp_n};\n  \
         int my_a = {};\n  int my_b = {};\n  float sums[{count_m}][{count_n}][4] = {{}};\n",
        place("warp_m", lane_a, a),
        place("warp_n", lane_b, b)
    )
}

pub fn multiply(tile: Tile, a: &Layout, b: &Layout) -> String {
    let depth = depth(tile, a, b);
    let [count_m, count_n] = counts(tile);
    let [across_m, across_n] = across(tile);
    let (skeleton, fragment_a, fragment_b) = if tile.math.cores() {
        let text = include_str!("../../../../shaders/multiply_cores.cu");
        (text, warp_fragment(tile, "a", "i", 16, a), warp_fragment(tile, "b", "j", 8, b))
    } else {
        let text = include_str!("../../../../shaders/multiply.cu");
        (text, fragment("a", count_m, across_m, depth, a), fragment("b", count_n, across_n, depth, b))
    };
    let holes = [
        ("block_k", tile.block_k.to_string()),
        ("depth", depth.to_string()),
        ("count_m", count_m.to_string()),
        ("count_n", count_n.to_string()),
        ("math", name(tile.math).into()),
        ("fragment_a", fragment_a),
        ("fragment_b", fragment_b),
    ];
    fill(skeleton, &holes)
}

fn name(math: Math) -> &'static str {
    match math {
        Math::F16 => "f16",
        Math::BF16 => "bf16",
        Math::Tf32 => "tf32",
        Math::F32 => "f32",
    }
}

/// A warp's part of a factor for one product: of `each` rows (of the first factor), or of twice as many columns.
fn warp_fragment(tile: Tile, factor: &str, i: &str, each: usize, l: &Layout) -> String {
    let from = |row: usize, term: usize| {
        format!("tile_{factor} + ({i} * {each} + {row}) * {} + (k + {term}) * {}", l.row, l.term)
    };
    let tf32 = tile.math == Math::Tf32;
    let mut out = match (l.by_terms, tf32) {
        (true, _) => format!("          ldmatrix({factor}[{i}], {});\n", from(0, 0)),
        (false, false) => format!("          ldmatrix_transposed({factor}[{i}], {});\n", from(0, 0)),
        (false, true) => {
            let places = if factor == "a" {
                [(0, 0), (8, 0), (0, 4), (8, 4)]
            } else {
                [(0, 0), (0, 4), (8, 0), (8, 4)]
            };
            let line = |(at, (row, term)): (usize, (usize, usize))| {
                let to = if factor == "a" {
                    format!("a[i][{at}]")
                } else {
                    format!("b[j + {}][{}]", at / 2, at % 2)
                };
                format!("          {to} = __float_as_uint(*({}));\n", from(row, term))
            };
            places.into_iter().enumerate().map(line).collect()
        }
    };
    if tf32 {
        out += &format!("          round_tf32({factor}[{i}]);\n");
    }
    out
}

/// What a thread reads of a factor for `depth` terms.
fn fragment(factor: &str, count: usize, across: usize, depth: usize, l: &Layout) -> String {
    let four = |at: String| format!("auto four = *(const wide<float, 4>*)(tile_{factor} + {at});");
    if l.by_terms {
        return format!(
            "#pragma unroll\n        for (int i = 0; i < {count}; i += 1) {{\n          {}\n#pragma unroll\n          \
             for (int t = 0; t < 4; t += 1) {{\n            {factor}[i][t] = four.at[t];\n          }}\n        }}\n",
            four(format!("i * {} + k", across * l.row))
        );
    }
    format!(
        "#pragma unroll\n        for (int t = 0; t < {depth}; t += 1) {{\n#pragma unroll\n          \
         for (int i = 0; i < {count}; i += 4) {{\n            {}\n#pragma unroll\n            \
         for (int c = 0; c < 4; c += 1) {{\n              {factor}[i + c][t] = four.at[c];\n            }}\n          }}\n        }}\n",
        four(format!("(k + t) * {} + i * {across}", l.term))
    )
}

pub fn finish(tile: Tile, prefix: &str, a: &Layout, b: &Layout) -> String {
    let [count_m, count_n] = counts(tile);
    let [across_m, across_n] = across(tile);
    let place = |name: &str, i: &str, across: usize, l: &Layout| {
        if l.by_terms {
            format!("{name} + {i} * {across}")
        } else {
            format!("{name} * 4 + {i} / 4 * {} + {i} % 4", across * 4)
        }
    };
    let skeleton = if tile.math.cores() {
        include_str!("../../../../shaders/finish_cores.cu")
    } else {
        include_str!("../../../../shaders/finish.cu")
    };
    let holes = [
        ("prefix", prefix.into()),
        ("count_m", count_m.to_string()),
        ("count_n", count_n.to_string()),
        ("width", width(tile, b).to_string()),
        ("row", place("row", "i", across_m, a)),
        ("column", place("column", "j", across_n, b)),
    ];
    fill(skeleton, &holes)
}
