//! The inner products a contraction can be made of: compiled in, or emitted where there is a host for them.

use crate::{
    render::wasm::{self, micro as emitted},
    runtime::cpu::{Host, host},
};
use std::cell::OnceCell;

/// `call(k, a, b, c, stride, add)`: `c[rows][columns]` becomes, or with `add` grows by, `a[k][rows] · b[k][columns]`.
#[derive(Clone, Copy)]
pub struct Micro {
    pub rows: usize,
    pub columns: usize,
    /// Compared to the others', measured where there are several.
    pub speed: f64,
    pub call: Call,
}

/// Its panels hold `k` steps; `c` holds the rows, `stride` elements apart.
pub type Call = unsafe extern "C" fn(usize, *const f32, *const f32, *mut f32, usize, bool);

thread_local! {
    static LOADED: OnceCell<Vec<Micro>> = const { OnceCell::new() };
}

pub fn all() -> Vec<Micro> {
    match host() {
        Some(host) => LOADED.with(|loaded| loaded.get_or_init(|| load(&*host)).clone()),
        None => compiled(),
    }
}

/// Heights; which is fastest depends on how the host allocates registers.
const EMITTED: [usize; 3] = [4, 5, 6];

fn load(host: &dyn Host) -> Vec<Micro> {
    let relaxed = host.relaxed_simd();
    let functions = EMITTED
        .map(|rows| (emitted::PARAMS, emitted::function(emitted::Micro { rows, columns: 8, relaxed })));
    let Ok(places) = host.load(&wasm::module(&functions), EMITTED.len()) else { return compiled() };
    let micro = |(rows, place)| {
        // SAFETY: the host's address of a function that was emitted with this type.
        let call = unsafe { std::mem::transmute::<usize, Call>(place) };
        let micro = Micro { rows, columns: 8, speed: 1.0, call };
        Micro { speed: speed(host, &micro), ..micro }
    };
    EMITTED.into_iter().zip(places).map(micro).collect()
}

/// Multiply-adds a millisecond, the better of two measurements after one that lets the host optimize.
fn speed(host: &dyn Host, micro: &Micro) -> f64 {
    const DEEP: usize = 64;
    let (a, b) = (vec![0.0; DEEP * micro.rows], vec![0.0; DEEP * micro.columns]);
    let mut c = vec![0.0; micro.rows * micro.columns];
    let mut measure = || {
        let (start, mut calls) = (host.now(), 0);
        loop {
            for _ in 0..64 {
                // SAFETY: panels and tile of the micro-kernel's size.
                unsafe { (micro.call)(DEEP, a.as_ptr(), b.as_ptr(), c.as_mut_ptr(), micro.columns, true) };
            }
            calls += 64;
            let spent = host.now() - start;
            if spent >= 1.0 {
                return (calls * DEEP * c.len()) as f64 / spent;
            }
        }
    };
    measure();
    measure().max(measure())
}

fn compiled() -> Vec<Micro> {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        if has!("avx512f") {
            return vec![
                Micro { rows: 12, columns: 32, speed: 1.0, call: twelve },
                Micro { rows: 24, columns: 16, speed: 0.9, call: twenty_four },
            ];
        }
        if has!("avx2") && has!("fma") {
            return vec![Micro { rows: 6, columns: 16, speed: 1.0, call: fused }];
        }
    }
    vec![Micro { rows: 4, columns: 8, speed: 1.0, call: unfused }]
}

/// # Safety
/// The pointers are those of a `Call`.
#[inline(always)]
unsafe fn tile<const MR: usize, const NR: usize>(
    k: usize,
    a: *const f32,
    b: *const f32,
    c: *mut f32,
    stride: usize,
    add: bool,
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
        if add {
            c.iter_mut().zip(row).for_each(|(c, r)| *c += r);
        } else {
            *c = *row;
        }
    }
}

/// # Safety
/// The pointers are those of a `Call`.
unsafe extern "C" fn unfused(k: usize, a: *const f32, b: *const f32, c: *mut f32, stride: usize, add: bool) {
    // SAFETY: passed on from the caller.
    unsafe { tile::<4, 8>(k, a, b, c, stride, add, |x, y, z| x * y + z) }
}

/// # Safety
/// The pointers are those of a `Call`; the processor has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe extern "C" fn fused(k: usize, a: *const f32, b: *const f32, c: *mut f32, stride: usize, add: bool) {
    // SAFETY: passed on from the caller.
    unsafe { tile::<6, 16>(k, a, b, c, stride, add, f32::mul_add) }
}

/// `R` rows of `V` vectors.
///
/// # Safety
/// The pointers are those of a `Call`; the processor has AVX-512.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn vectors<const R: usize, const V: usize>(
    k: usize,
    mut a: *const f32,
    mut b: *const f32,
    c: *mut f32,
    stride: usize,
    add: bool,
) {
    use std::arch::x86_64::*;
    let mut acc = [[_mm512_setzero_ps(); V]; R];
    for _ in 0..k {
        // SAFETY: inside the panels the caller vouches for.
        unsafe {
            // No closure: one that is not inlined is compiled without AVX-512.
            let mut row = [_mm512_setzero_ps(); V];
            for j in 0..V {
                row[j] = _mm512_loadu_ps(b.add(16 * j));
            }
            for i in 0..R {
                let x = _mm512_set1_ps(*a.add(i));
                for j in 0..V {
                    acc[i][j] = _mm512_fmadd_ps(x, row[j], acc[i][j]);
                }
            }
            (a, b) = (a.add(R), b.add(16 * V));
        }
    }
    for i in 0..R {
        for j in 0..V {
            // SAFETY: inside the tile the caller vouches for.
            unsafe {
                let c = c.add(i * stride + 16 * j);
                let sum = if add { _mm512_add_ps(_mm512_loadu_ps(c), acc[i][j]) } else { acc[i][j] };
                _mm512_storeu_ps(c, sum);
            }
        }
    }
}

/// # Safety
/// As for `vectors`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe extern "C" fn twelve(k: usize, a: *const f32, b: *const f32, c: *mut f32, stride: usize, add: bool) {
    // SAFETY: passed on from the caller.
    unsafe { vectors::<12, 2>(k, a, b, c, stride, add) }
}

/// # Safety
/// As for `vectors`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe extern "C" fn twenty_four(
    k: usize,
    a: *const f32,
    b: *const f32,
    c: *mut f32,
    stride: usize,
    add: bool,
) {
    // SAFETY: passed on from the caller.
    unsafe { vectors::<24, 1>(k, a, b, c, stride, add) }
}
