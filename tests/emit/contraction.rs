//! Runs a contraction in emitted parts, as the CPU device does with larger tiles: pack, multiply, store.

use playgrad::{
    kernel::{Contract, Kernel},
    render::wasm::{self, epilogue, micro, pack},
};
use wasmi::{AsContextMut, Instance};

const MR: usize = 6;
const NR: usize = 8;
/// Sizes of a tile and of its depth.
const TALL: usize = 30;
const WIDE: usize = 24;
const DEEP: usize = 50;

/// Its functions are to pack rows, to pack columns, to multiply, to store.
pub fn module(kernel: &Kernel, c: &Contract, flipped: bool) -> Vec<u8> {
    let (m, n) = ((c.a, &c.m[..]), (c.b, &c.n[..]));
    let (rows, columns) = if flipped { (n, m) } else { (m, n) };
    let pack = |(value, lanes), width| {
        let side = pack::Side { value, lanes, depth: &c.k, width };
        wasm::pack(kernel, &c.batch, side).expect("few ranges")
    };
    wasm::module(&[
        (pack::PARAMS, pack(rows, MR)),
        (pack::PARAMS, pack(columns, NR)),
        (micro::PARAMS, micro::function(micro::Micro { rows: MR, columns: NR, relaxed: false })),
        (epilogue::PARAMS, wasm::epilogue(kernel, &c.batch, rows.1, columns.1).expect("few ranges")),
    ])
}

/// Bytes `run` needs from `scratch` on.
pub const SCRATCH: usize = 4 * (TALL * DEEP + WIDE * DEEP + TALL * WIDE + 12);

/// `args` is the address of the argument addresses.
pub fn run(
    mut store: impl AsContextMut,
    instance: Instance,
    (kernel, c, flipped): (&Kernel, &Contract, bool),
    args: usize,
    scratch: usize,
) {
    let (m, n) = (kernel.size(&c.m), kernel.size(&c.n));
    let (rows, columns) = if flipped { (n, m) } else { (m, n) };
    let depth = kernel.size(&c.k);
    let mut call = |name: &str, values: &[usize]| {
        let values: Vec<wasmi::Val> = values.iter().map(|v| wasmi::Val::I32(*v as i32)).collect();
        let function = instance.get_func(&store, name).unwrap();
        function.call(&mut store, &values, &mut []).unwrap_or_else(|e| panic!("{e}\n{kernel:#?}"));
    };
    let a = scratch;
    let b = a + 4 * (TALL * DEEP + 4);
    let sums = b + 4 * (WIDE * DEEP + 4);
    for batch in 0..kernel.size(&c.batch) {
        for (r0, c0) in (0..rows).step_by(TALL).flat_map(|r| (0..columns).step_by(WIDE).map(move |c| (r, c)))
        {
            let (tall, wide) = (TALL.min(rows - r0), WIDE.min(columns - c0));
            for k0 in (0..depth).step_by(DEEP) {
                let deep = DEEP.min(depth - k0);
                call("0", &[args, a, batch, k0, deep, r0, tall]);
                call("1", &[args, b, batch, k0, deep, c0, wide]);
                for (i, j) in (0..tall).step_by(MR).flat_map(|i| (0..wide).step_by(NR).map(move |j| (i, j))) {
                    let to = sums + 4 * (i * WIDE + j);
                    call("2", &[deep, a + 4 * i * deep, b + 4 * j * deep, to, WIDE, (k0 > 0).into()]);
                }
            }
            call("3", &[args, sums, WIDE, batch, r0, tall, c0, wide]);
        }
    }
}
