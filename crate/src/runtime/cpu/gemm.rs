//! Contractions as packed, register-blocked matrix products. Both operands are packed through their index
//! expressions, so a convolution needs no im2col buffer; the epilogue runs on each finished tile.

use super::{
    math::LANES,
    rows::{place, set_point},
    tape::{Frame, StoreWalk, Tape},
};
use crate::{
    graph::DType,
    kernel::{Atom, Cond, Contract, Expr, ExprId, Kernel, Lin, RangeId},
};
use std::ops::Range;

/// Rows packed at a time, and the depth of a packed panel.
const ROWS: usize = 192;
const DEPTH: usize = 256;
/// Elements of the tile of results kept while the depth is walked.
const TILE: usize = 1 << 18;

pub struct Gemm {
    contract: Contract,
    a: Operand,
    b: Operand,
    /// The epilogue's lanes run along n, or along m.
    along_n: bool,
    epilogue: Tape,
    walks: Vec<StoreWalk>,
}

/// Packed buffers, kept between runs.
#[derive(Default)]
pub struct Scratch {
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

struct Operand {
    value: ExprId,
    lanes: Vec<RangeId>,
    plain: Option<Plain>,
    tape: Tape,
}

/// A single load whose index and conditions are sums of a part for the lane and a part for the depth.
struct Plain {
    arg: usize,
    index: Lin,
    mask: Vec<Cond>,
}

impl Operand {
    fn new(kernel: &Kernel, value: ExprId, lanes: &[RangeId], depth: &[RangeId]) -> Operand {
        let linear = |l: &Lin| l.terms.iter().all(|t| matches!(t.0, Atom::Range(_)));
        let plain = match &kernel.exprs[value].expr {
            Expr::Load { arg, index, mask }
                if kernel.exprs[value].dtype == DType::F32
                    && linear(index)
                    && mask.iter().all(|c| linear(&c.lin)) =>
            {
                Some(Plain { arg: *arg, index: index.clone(), mask: mask.clone() })
            }
            _ => None,
        };
        let moving: Vec<RangeId> = kernel.outer.iter().chain(depth).copied().collect();
        Operand { value, lanes: lanes.to_vec(), plain, tape: Tape::new(kernel, &[value], lanes, &moving) }
    }

    /// Packs lanes `from..from + count` of depth `k0..k1` as panels of `W` lanes: `[panel][k][lane]`.
    ///
    /// # Safety
    /// As for `Gemm::run`.
    unsafe fn pack<const W: usize>(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        depth: &[RangeId],
        (k0, k1): (usize, usize),
        (from, count): (usize, usize),
        out: &mut [f32],
    ) {
        let deep = k1 - k0;
        let mut done = 0;
        while done < count {
            let n = (LANES / W * W).min(count - done);
            frame.len = n;
            place(kernel, &self.lanes, from + done, frame);
            let panels = &mut out[done * deep..];
            // SAFETY: passed on from the caller.
            unsafe {
                match &self.plain {
                    Some(plain) => plain.pack::<W>(kernel, frame, depth, (k0, k1), panels),
                    None => self.pack_any::<W>(kernel, frame, depth, (k0, k1), panels),
                }
            }
            done += n;
        }
    }

    /// # Safety
    /// As for `Gemm::run`.
    unsafe fn pack_any<const W: usize>(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        depth: &[RangeId],
        (k0, k1): (usize, usize),
        out: &mut [f32],
    ) {
        let (deep, n) = (k1 - k0, frame.len);
        // SAFETY: passed on from the caller.
        unsafe { self.tape.hoist(kernel, frame) };
        for k in 0..deep {
            set_point(kernel, depth, k0 + k, frame.point);
            // SAFETY: passed on from the caller.
            unsafe { self.tape.run(kernel, frame) };
            let values = &frame.reg(self.value).f32()[..n];
            for (panel, lanes) in values.chunks(W).enumerate() {
                let to = (panel * deep + k) * W;
                out[to..to + lanes.len()].copy_from_slice(lanes);
                out[to + lanes.len()..to + W].fill(0.0);
            }
        }
    }
}

impl Plain {
    /// # Safety
    /// As for `Gemm::run`.
    unsafe fn pack<const W: usize>(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        depth: &[RangeId],
        (k0, k1): (usize, usize),
        out: &mut [f32],
    ) {
        let (deep, n) = (k1 - k0, frame.len);
        depth.iter().for_each(|r| frame.point[*r] = 0);
        let mut lane = [0i32; LANES];
        frame.free(&self.index, &mut lane);
        let checks: Vec<([i32; LANES], &Cond)> = self
            .mask
            .iter()
            .map(|c| {
                let mut at = [0; LANES];
                frame.free(&c.lin, &mut at);
                (at, c)
            })
            .collect();
        let from = frame.args[self.arg].cast::<f32>();
        let in_order = (1..n).all(|i| lane[i] == lane[0] + i as i32);
        for k in 0..deep {
            set_point(kernel, depth, k0 + k, frame.point);
            let step = |lin: &Lin| -> i64 {
                depth.iter().map(|r| lin.coefficient(*r) * frame.point[*r] as i64).sum()
            };
            let at = step(&self.index);
            let mut ok = [true; LANES];
            for (lanes, c) in &checks {
                let (lo, hi) = (c.lo - step(&c.lin), c.hi - step(&c.lin));
                let (lo, hi) = (
                    lo.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
                    hi.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
                );
                (0..n).for_each(|i| ok[i] &= lanes[i] >= lo && lanes[i] < hi);
            }
            for panel in 0..n.div_ceil(W) {
                let to = &mut out[(panel * deep + k) * W..][..W];
                let first = panel * W;
                let full = first + W <= n;
                // SAFETY: indices the conditions allow lie inside the argument.
                unsafe {
                    if full && in_order && checks.is_empty() {
                        let src = from.offset((i64::from(lane[first]) + at) as isize);
                        std::ptr::copy_nonoverlapping(src, to.as_mut_ptr(), W);
                    } else if full && checks.is_empty() {
                        let src = from.offset(at as isize);
                        (0..W).for_each(|j| to[j] = src.offset(lane[first + j] as isize).read());
                    } else {
                        for j in 0..W {
                            let i = first + j;
                            to[j] = if i < n && ok[i] {
                                from.offset((i64::from(lane[i]) + at) as isize).read()
                            } else {
                                0.0
                            };
                        }
                    }
                }
            }
        }
    }
}

/// How the result is cut.
#[derive(Clone, Copy)]
pub struct Tiles {
    tall: usize,
    wide: usize,
    down: usize,
    across: usize,
    batches: usize,
}

impl Tiles {
    pub fn count(&self) -> usize {
        self.down * self.across * self.batches
    }
}

fn has_fma() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

impl Gemm {
    pub fn new(kernel: &Kernel, contract: &Contract) -> Gemm {
        let c = contract.clone();
        let stride = |ranges: &[RangeId]| kernel.stores[0].index.coefficient(ranges[ranges.len() - 1]).abs();
        let along_n = match (kernel.size(&c.m), kernel.size(&c.n)) {
            (m, n) if n < 32 && m > n => false,
            (m, n) if m < 32 && n > m => true,
            _ => stride(&c.n) <= stride(&c.m),
        };
        let lanes = if along_n { &c.n } else { &c.m };
        let roots: Vec<ExprId> = kernel.stores.iter().map(|s| s.value).collect();
        Gemm {
            a: Operand::new(kernel, c.a, &c.m, &c.k),
            b: Operand::new(kernel, c.b, &c.n, &c.k),
            along_n,
            epilogue: Tape::new(kernel, &roots, lanes, &kernel.outer),
            walks: kernel.stores.iter().map(|s| StoreWalk::new(s, lanes)).collect(),
            contract: c,
        }
    }

    /// The tiles of the result in all batches, each by itself. Where threads share them there are enough for all;
    /// how large they are changes no value.
    pub fn tiles(&self, kernel: &Kernel, threads: usize) -> Tiles {
        let c = &self.contract;
        let (mr, nr) = if has_fma() { (6, 16) } else { (4, 8) };
        let (m, n, batches) = (kernel.size(&c.m), kernel.size(&c.n), kernel.size(&c.batch));
        let wide = n.next_multiple_of(nr).min(512);
        let tall = (TILE / wide.max(1) / ROWS * ROWS).min(m.next_multiple_of(mr)).max(mr);
        let mut tiles =
            Tiles { tall, wide, down: m.div_ceil(tall), across: n.div_ceil(wide.max(1)), batches };
        while threads > 1 && tiles.count() < 2 * threads && (tiles.tall > 8 * mr || tiles.wide > 8 * nr) {
            if tiles.tall / mr >= tiles.wide / nr {
                tiles.tall = (tiles.tall / 2).next_multiple_of(mr);
            } else {
                tiles.wide = (tiles.wide / 2).next_multiple_of(nr);
            }
            (tiles.down, tiles.across) = (m.div_ceil(tiles.tall), n.div_ceil(tiles.wide));
        }
        tiles
    }

    /// # Safety
    /// `frame.args` point to the kernel's buffers, of the sizes the kernel declares.
    pub unsafe fn run(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        scratch: &mut Scratch,
        tiles: Tiles,
        some: Range<usize>,
    ) {
        for at in some {
            let (batch, at) = (at / (tiles.down * tiles.across), at % (tiles.down * tiles.across));
            set_point(kernel, &self.contract.batch, batch, frame.point);
            let corner = (at % tiles.down * tiles.tall, at / tiles.down * tiles.wide);
            // SAFETY: passed on from the caller; each width is only used where the processor has it.
            unsafe {
                #[cfg(target_arch = "x86_64")]
                if has_fma() {
                    self.product::<6, 16>(kernel, frame, scratch, tiles, corner, micro_fma);
                    continue;
                }
                self.product::<4, 8>(kernel, frame, scratch, tiles, corner, micro::<4, 8>);
            }
        }
    }

    /// # Safety
    /// As for `run`.
    unsafe fn product<const MR: usize, const NR: usize>(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        s: &mut Scratch,
        Tiles { tall, wide, .. }: Tiles,
        (m0, n0): (usize, usize),
        micro: unsafe fn(usize, *const f32, *const f32, *mut f32, usize),
    ) {
        let c = &self.contract;
        let k = kernel.size(&c.k);
        let (mm, nn) = (tall.min(kernel.size(&c.m) - m0), wide.min(kernel.size(&c.n) - n0));
        s.b.resize(wide * DEPTH.min(k), 0.0);
        s.a.resize(ROWS * DEPTH.min(k), 0.0);
        s.c.resize(wide * tall.next_multiple_of(MR), 0.0);
        s.c.fill(0.0);
        for k0 in (0..k).step_by(DEPTH) {
            let depth = (k0, k.min(k0 + DEPTH));
            let deep = depth.1 - k0;
            // SAFETY: passed on from the caller; panels and tiles are as large as the micro-kernel's.
            unsafe {
                self.b.pack::<NR>(kernel, frame, &c.k, depth, (n0, nn), &mut s.b);
                for r0 in (0..mm).step_by(ROWS) {
                    let rows = ROWS.min(mm - r0);
                    self.a.pack::<MR>(kernel, frame, &c.k, depth, (m0 + r0, rows), &mut s.a);
                    for j in (0..nn).step_by(NR) {
                        for i in (0..rows).step_by(MR) {
                            let to = s.c.as_mut_ptr().add((r0 + i) * wide + j);
                            let (a, b) = (s.a.as_ptr().add(i * deep), s.b.as_ptr().add(j * deep));
                            micro(deep, a, b, to, wide);
                        }
                    }
                }
            }
        }
        // SAFETY: passed on from the caller.
        unsafe { self.finish(kernel, frame, &s.c, wide, (m0, mm), (n0, nn)) };
    }

    /// Runs the epilogue over a tile of results.
    ///
    /// # Safety
    /// As for `run`.
    unsafe fn finish(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        tile: &[f32],
        wide: usize,
        (m0, mm): (usize, usize),
        (n0, nn): (usize, usize),
    ) {
        let c = &self.contract;
        let (outer, outer0, outers, lanes, lane0, count) =
            if self.along_n { (&c.m, m0, mm, &c.n, n0, nn) } else { (&c.n, n0, nn, &c.m, m0, mm) };
        frame.len = LANES.min(count);
        // SAFETY: passed on from the caller.
        unsafe { self.epilogue.hoist(kernel, frame) };
        for start in (0..count).step_by(LANES) {
            frame.len = LANES.min(count - start);
            place(kernel, lanes, lane0 + start, frame);
            let n = frame.len;
            for o in 0..outers {
                set_point(kernel, outer, outer0 + o, frame.point);
                let acc = &mut frame.accs[0].f32_mut()[..n];
                if self.along_n {
                    acc.copy_from_slice(&tile[o * wide + start..][..n]);
                } else {
                    acc.iter_mut().enumerate().for_each(|(i, a)| *a = tile[(start + i) * wide + o]);
                }
                // SAFETY: passed on from the caller.
                unsafe {
                    self.epilogue.run(kernel, frame);
                    self.walks.iter().for_each(|w| w.run(kernel, frame));
                }
            }
        }
    }
}

/// `c[MR][NR] += a[k][MR] · b[k][NR]`, the tile held in registers.
///
/// # Safety
/// `a`, `b` hold `k` panels; `c` holds MR rows of NR, `stride` apart.
#[inline(always)]
unsafe fn tile<const MR: usize, const NR: usize>(
    k: usize,
    a: *const f32,
    b: *const f32,
    c: *mut f32,
    stride: usize,
    madd: impl Fn(f32, f32, f32) -> f32,
) {
    let mut acc = [[0.0f32; NR]; MR];
    for p in 0..k {
        // SAFETY: inside the panels the caller vouches for.
        let (a, b) = unsafe { (*a.add(p * MR).cast::<[f32; MR]>(), *b.add(p * NR).cast::<[f32; NR]>()) };
        for i in 0..MR {
            for j in 0..NR {
                acc[i][j] = madd(a[i], b[j], acc[i][j]);
            }
        }
    }
    for (i, row) in acc.iter().enumerate() {
        // SAFETY: inside the tile the caller vouches for.
        let c = unsafe { &mut *c.add(i * stride).cast::<[f32; NR]>() };
        c.iter_mut().zip(row).for_each(|(c, r)| *c += r);
    }
}

/// # Safety
/// As for `tile`.
unsafe fn micro<const MR: usize, const NR: usize>(
    k: usize,
    a: *const f32,
    b: *const f32,
    c: *mut f32,
    stride: usize,
) {
    // SAFETY: passed on from the caller.
    unsafe { tile::<MR, NR>(k, a, b, c, stride, |x, y, z| x * y + z) }
}

/// # Safety
/// As for `tile`, on a processor with AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn micro_fma(k: usize, a: *const f32, b: *const f32, c: *mut f32, stride: usize) {
    // SAFETY: passed on from the caller.
    unsafe { tile::<6, 16>(k, a, b, c, stride, f32::mul_add) }
}
