//! The register-blocked inner product of a contraction:
//! `fn(k, a, b, c, stride, add)` does `c[MR][NR] += a[k][MR] · b[k][NR]`, the tile held in registers; without `add`
//! what was in `c` is not read.

use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, MemArgTarget, ValType};

const K: u32 = 0;
const A: u32 = 1;
const B: u32 = 2;
const C: u32 = 3;
const STRIDE: u32 = 4;
const ADD: u32 = 5;
const STEPS: u32 = 6;
const ROW: u32 = 7;
const VECTORS: u32 = 8;
/// How many parameters the function has.
pub const PARAMS: usize = 6;
/// Depths per turn of the main loop.
const UNROLL: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Micro {
    pub rows: usize,
    pub columns: usize,
    /// Fused multiply-add, where the host has relaxed SIMD.
    pub relaxed: bool,
}

pub fn function(micro: Micro) -> Function {
    let emit = Emit { micro, across: micro.columns / 4 };
    let vectors = (micro.rows + 1) * emit.across + 1;
    let mut f = Function::new([(2, ValType::I32), (vectors as u32, ValType::V128)]);
    let code = &mut f.instructions();
    emit.turns(code, UNROLL);
    emit.turns(code, 1);
    emit.store(code);
    code.end();
    f
}

struct Emit {
    micro: Micro,
    across: usize,
}

fn at(offset: usize) -> MemArg {
    MemArg { offset: offset as u64, align: 2, target: MemArgTarget::default(), ordering: None }
}

impl Emit {
    fn acc(&self, i: usize, j: usize) -> u32 {
        VECTORS + (i * self.across + j) as u32
    }

    fn b(&self, j: usize) -> u32 {
        self.acc(self.micro.rows, j)
    }

    fn a(&self) -> u32 {
        self.acc(self.micro.rows, self.across)
    }

    /// A loop over the depth, `unroll` at a time, as long as that many are left.
    fn turns(&self, code: &mut InstructionSink, unroll: usize) {
        let Micro { rows, columns, relaxed } = self.micro;
        code.local_get(K).i32_const(unroll.trailing_zeros() as i32).i32_shr_u().local_tee(STEPS);
        code.if_(BlockType::Empty).loop_(BlockType::Empty);
        for p in 0..unroll {
            for j in 0..self.across {
                code.local_get(B).v128_load(at((p * columns + 4 * j) * 4)).local_set(self.b(j));
            }
            for i in 0..rows {
                code.local_get(A).v128_load32_splat(at((p * rows + i) * 4)).local_set(self.a());
                for j in 0..self.across {
                    let acc = self.acc(i, j);
                    if relaxed {
                        code.local_get(self.a()).local_get(self.b(j)).local_get(acc).f32x4_relaxed_madd();
                    } else {
                        code.local_get(acc).local_get(self.a()).local_get(self.b(j)).f32x4_mul().f32x4_add();
                    }
                    code.local_set(acc);
                }
            }
        }
        code.local_get(A).i32_const((unroll * rows * 4) as i32).i32_add().local_set(A);
        code.local_get(B).i32_const((unroll * columns * 4) as i32).i32_add().local_set(B);
        code.local_get(STEPS).i32_const(1).i32_sub().local_tee(STEPS).br_if(0).end().end();
        code.local_get(K).i32_const(unroll as i32 - 1).i32_and().local_set(K);
    }

    fn store(&self, code: &mut InstructionSink) {
        code.local_get(STRIDE).i32_const(2).i32_shl().local_set(STRIDE);
        code.local_get(ADD).if_(BlockType::Empty);
        self.rows(code, |code, acc, j| {
            code.local_get(ROW).v128_load(at(16 * j)).local_get(acc).f32x4_add().local_set(acc);
        });
        code.end();
        self.rows(code, |code, acc, j| {
            code.local_get(ROW).local_get(acc).v128_store(at(16 * j));
        });
    }

    fn rows(&self, code: &mut InstructionSink, each: impl Fn(&mut InstructionSink, u32, usize)) {
        code.local_get(C).local_set(ROW);
        for i in 0..self.micro.rows {
            (0..self.across).for_each(|j| each(code, self.acc(i, j), j));
            code.local_get(ROW).local_get(STRIDE).i32_add().local_set(ROW);
        }
    }
}
