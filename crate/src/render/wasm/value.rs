//! Expressions as four lanes: the same operations in the same order as the interpreter's.

use super::body::{Body, Local, Sum};
use crate::{
    graph::{Binary, DType, Reduce, Unary},
    kernel::{Expr, ExprId},
};
use wasm_encoder::ValType;

/// The 32 bits a lane holds for a value of that dtype.
pub(super) fn bits_of(x: f64, dtype: DType) -> u32 {
    match lane(dtype) {
        DType::F32 => (dtype.hold(x) as f32).to_bits(),
        _ => dtype.hold(x) as i64 as u32,
    }
}

/// The dtype whose instructions compute this one; `Body::narrow` does the rest.
fn lane(dtype: DType) -> DType {
    match dtype {
        DType::F16 | DType::BF16 => DType::F32,
        DType::I8 => DType::I32,
        DType::I64 | DType::F64 => unreachable!("values of 64 bits are interpreted"),
        DType::Bool | DType::U8 | DType::I32 | DType::U32 | DType::F32 => dtype,
    }
}

impl Body<'_> {
    /// The local that holds an expression's lanes of a group, computed here unless it is known.
    pub fn value(&mut self, e: ExprId, group: u32) -> Local {
        let group = if self.expr_varies(e) { group } else { 0 };
        let typed = &self.kernel.exprs[e];
        match typed.expr {
            Expr::Const(bits) => return self.splat(bits_of(f64::from_bits(bits), typed.dtype)),
            Expr::Bitcast(a) if !recodes(self.kernel.exprs[a].dtype, typed.dtype) => {
                return self.value(a, group);
            }
            Expr::Acc(i) => return self.scope.accs[&(i, group)],
            Expr::Scan => return self.scope.scan[group as usize],
            _ => {}
        }
        if let Some(local) = self.scope.values.get(&(e, group)) {
            return *local;
        }
        self.compute(e, group);
        let local = self.keep(ValType::V128);
        self.scope.values.insert((e, group), local);
        local
    }

    fn compute(&mut self, e: ExprId, group: u32) {
        let kernel = self.kernel;
        let dtype = kernel.exprs[e].dtype;
        match &kernel.exprs[e].expr {
            Expr::Const(_) | Expr::Acc(_) | Expr::Scan => unreachable!("has a local of its own"),
            Expr::Bitcast(a) => {
                let a_dtype = kernel.exprs[*a].dtype;
                let a = self.value(*a, group);
                self.op().local_get(a);
                self.encode(a_dtype);
                self.decode(dtype);
            }
            Expr::Index(lin) => self.vector(&Sum { arg: None, lin: lin.clone() }, group),
            Expr::Load { arg, index, mask } => self.load(*arg, index, mask, group),
            Expr::Masked(conds, a) => self.masked(conds, *a, group),
            Expr::Unary(op, a) => self.unary(*op, dtype, *a, e, group),
            Expr::Binary(op, a, b) => self.binary(*op, dtype, (*a, *b), e, group),
            Expr::Where(c, a, b) => {
                let (a, b) = (self.value(*a, group), self.value(*b, group));
                let c = self.truth(*c, group);
                self.op().local_get(a).local_get(b).local_get(c).v128_bitselect();
            }
            Expr::Cast(a) => self.cast(kernel.exprs[*a].dtype, dtype, *a, e, group),
        }
    }

    /// Where a value is not 0, as a mask of lanes.
    fn truth(&mut self, e: ExprId, group: u32) -> Local {
        let group = if self.expr_varies(e) { group } else { 0 };
        if let Some(local) = self.scope.truths.get(&(e, group)) {
            return *local;
        }
        let kernel = self.kernel;
        let bool_at = |e: ExprId| kernel.exprs[e].dtype == DType::Bool;
        match kernel.exprs[e].expr {
            Expr::Binary(op @ (Binary::Lt | Binary::Eq), a, b) => {
                let dtype = lane(kernel.exprs[a].dtype);
                let (a, b) = (self.value(a, group), self.value(b, group));
                let mut s = self.op();
                s.local_get(a).local_get(b);
                match (op, dtype) {
                    (Binary::Lt, DType::F32) => s.f32x4_lt(),
                    (Binary::Lt, DType::I32) => s.i32x4_lt_s(),
                    (Binary::Lt, _) => s.i32x4_lt_u(),
                    (_, DType::F32) => s.f32x4_eq(),
                    (_, _) => s.i32x4_eq(),
                };
            }
            Expr::Binary(op @ (Binary::And | Binary::Or | Binary::Xor), a, b) if bool_at(e) => {
                let (a, b) = (self.truth(a, group), self.truth(b, group));
                let mut s = self.op();
                s.local_get(a).local_get(b);
                match op {
                    Binary::And => s.v128_and(),
                    Binary::Or => s.v128_or(),
                    _ => s.v128_xor(),
                };
            }
            Expr::Unary(Unary::Not, a) if bool_at(e) => {
                let a = self.truth(a, group);
                self.op().local_get(a).v128_not();
            }
            Expr::Cast(a) if bool_at(e) && lane(kernel.exprs[a].dtype) == DType::F32 => {
                let (a, zero) = (self.value(a, group), self.splat(0));
                self.op().local_get(a).local_get(zero).f32x4_ne();
            }
            Expr::Cast(a) if bool_at(e) => return self.truth(a, group),
            _ => {
                let (value, zero) = (self.value(e, group), self.splat(0));
                self.op().local_get(value).local_get(zero).i32x4_ne();
            }
        }
        let local = self.keep(ValType::V128);
        self.scope.truths.insert((e, group), local);
        local
    }

    /// Pushes 0 or 1 from a mask.
    fn one_where(&mut self, e: ExprId, group: u32) {
        let (truth, one) = (self.truth(e, group), self.splat(1));
        self.op().local_get(truth).local_get(one).v128_and();
    }

    fn unary(&mut self, op: Unary, dtype: DType, a: ExprId, e: ExprId, group: u32) {
        if (op, dtype) == (Unary::Not, DType::Bool) {
            return self.one_where(e, group);
        }
        let x = self.value(a, group);
        match (op, lane(dtype)) {
            (Unary::Neg, DType::F32) => {
                self.op().local_get(x).f32x4_neg();
            }
            (Unary::Neg, _) => {
                self.op().local_get(x).i32x4_neg();
            }
            (Unary::Not, _) => {
                self.op().local_get(x).v128_not();
            }
            (Unary::Trunc, DType::F32) => {
                self.op().local_get(x).f32x4_trunc();
            }
            (Unary::Trunc, _) => {
                self.op().local_get(x);
            }
            (Unary::Recip, _) => {
                let one = self.float(1.0);
                self.op().local_get(one).local_get(x).f32x4_div();
            }
            (Unary::Sqrt, _) => {
                self.op().local_get(x).f32x4_sqrt();
            }
            (Unary::Exp2, _) => self.exp2(x),
            (Unary::Log2, _) => self.log2(x),
            (Unary::Sin, _) => self.sin(x),
        }
        self.narrow(dtype);
    }

    /// Brings lanes that were computed in 32 bits back to what a dtype of fewer bits holds.
    fn narrow(&mut self, dtype: DType) {
        match dtype {
            DType::U8 => self.low_byte(),
            DType::I8 => {
                self.op().i32_const(24).i32x4_shl().i32_const(24).i32x4_shr_s();
            }
            DType::F16 => self.round_f16(),
            DType::BF16 => self.round_bf16(),
            _ => {}
        }
    }

    pub(super) fn low_byte(&mut self) {
        let byte = self.splat(0xff);
        self.op().local_get(byte).v128_and();
    }

    fn binary(&mut self, op: Binary, dtype: DType, (a, b): (ExprId, ExprId), e: ExprId, group: u32) {
        if matches!(op, Binary::Lt | Binary::Eq) {
            return self.one_where(e, group);
        }
        let kernel = self.kernel;
        let from = lane(kernel.exprs[a].dtype);
        let constant = |e: ExprId| match kernel.exprs[e].expr {
            Expr::Const(bits) => Some(f64::from_bits(bits)),
            _ => None,
        };
        let (x, y) = (self.value(a, group), self.value(b, group));
        match (op, from) {
            (Binary::Max, DType::F32) => {
                self.op().local_get(y).local_get(x).f32x4_pmax();
                if constant(a).is_none_or(f64::is_nan) {
                    let larger = self.keep(ValType::V128);
                    self.op().local_get(x).local_get(larger).local_get(x).local_get(x).f32x4_ne();
                    self.op().v128_bitselect();
                }
            }
            (Binary::Mod, DType::F32) => self.float_remainder(x, y),
            (Binary::Div | Binary::IDiv, DType::I32 | DType::U32 | DType::U8 | DType::Bool) => {
                self.int_divide(x, y, from == DType::I32, true);
            }
            (Binary::Mod, _) => self.int_divide(x, y, from == DType::I32, false),
            (Binary::Shl | Binary::Shr, _) => self.shift(op, from, x, y, constant(b)),
            (op, _) => {
                let mut s = self.op();
                s.local_get(x).local_get(y);
                match (op, from) {
                    (Binary::Add, DType::F32) => s.f32x4_add(),
                    (Binary::Sub, DType::F32) => s.f32x4_sub(),
                    (Binary::Mul, DType::F32) => s.f32x4_mul(),
                    (Binary::Div, DType::F32) => s.f32x4_div(),
                    (Binary::IDiv, DType::F32) => s.f32x4_div().f32x4_trunc(),
                    (Binary::Add, _) => s.i32x4_add(),
                    (Binary::Sub, _) => s.i32x4_sub(),
                    (Binary::Mul, _) => s.i32x4_mul(),
                    (Binary::Max, DType::I32) => s.i32x4_max_s(),
                    (Binary::Max, _) => s.i32x4_max_u(),
                    (Binary::And, _) => s.v128_and(),
                    (Binary::Or, _) => s.v128_or(),
                    (Binary::Xor, _) => s.v128_xor(),
                    (
                        Binary::Lt
                        | Binary::Eq
                        | Binary::Div
                        | Binary::IDiv
                        | Binary::Mod
                        | Binary::Shl
                        | Binary::Shr,
                        _,
                    ) => unreachable!("handled above"),
                };
            }
        }
        self.narrow(dtype);
    }

    /// Shifts by 32 or more leave no bits, but the sign of an int32 that is shifted right.
    fn shift(&mut self, op: Binary, dtype: DType, x: Local, y: Local, by: Option<f64>) {
        let (left, signed) = (op == Binary::Shl, dtype == DType::I32);
        if let Some(by) = by {
            let by = bits_of(by, dtype);
            if by >= 32 && (left || !signed) {
                let zero = self.splat(0);
                self.op().local_get(zero);
                return;
            }
            let mut s = self.op();
            s.local_get(x).i32_const(by.min(31) as i32);
            match (left, signed) {
                (true, _) => s.i32x4_shl(),
                (false, true) => s.i32x4_shr_s(),
                (false, false) => s.i32x4_shr_u(),
            };
            return;
        }
        for lane in 0..4 {
            let mut s = self.op();
            s.local_get(x).i32x4_extract_lane(lane);
            if !left && signed {
                s.i32_const(31).local_get(y).i32x4_extract_lane(lane);
                s.i32_const(31).local_get(y).i32x4_extract_lane(lane);
                s.i32_lt_u().select().i32_shr_s();
            } else {
                s.local_get(y).i32x4_extract_lane(lane);
                if left {
                    s.i32_shl()
                } else {
                    s.i32_shr_u()
                };
                s.i32_const(0).local_get(y).i32x4_extract_lane(lane).i32_const(32).i32_lt_u().select();
            }
            if lane == 0 {
                s.i32x4_splat()
            } else {
                s.i32x4_replace_lane(lane)
            };
        }
    }

    fn cast(&mut self, from: DType, to: DType, a: ExprId, e: ExprId, group: u32) {
        match (from, to) {
            (_, DType::Bool) => return self.one_where(e, group),
            (DType::Bool, to) if to.is_float() => {
                let (truth, one) = (self.truth(a, group), self.float(1.0));
                self.op().local_get(truth).local_get(one).v128_and();
                return;
            }
            _ => {}
        }
        let x = self.value(a, group);
        self.op().local_get(x);
        match (lane(from), lane(to)) {
            (DType::F32, DType::F32) | (_, DType::Bool) => {}
            (DType::F32, DType::I32) if to == DType::I8 => {
                let (least, most) = (self.splat(-128i32 as u32), self.splat(127));
                self.op().i32x4_trunc_sat_f32x4_s().local_get(least).i32x4_max_s();
                self.op().local_get(most).i32x4_min_s();
            }
            (DType::F32, DType::I32) => {
                self.op().i32x4_trunc_sat_f32x4_s();
            }
            (DType::F32, DType::U32) => {
                self.op().i32x4_trunc_sat_f32x4_u();
            }
            (DType::F32, DType::U8) => {
                let (zero, byte) = (self.splat(0), self.splat(0xff));
                self.op().i32x4_trunc_sat_f32x4_s().local_get(zero).i32x4_max_s();
                self.op().local_get(byte).i32x4_min_s();
            }
            (DType::U32, DType::F32) => {
                self.op().f32x4_convert_i32x4_u();
            }
            (_, DType::F32) => {
                self.op().f32x4_convert_i32x4_s();
            }
            _ => {}
        }
        if from != DType::Bool && (from, to) != (DType::BF16, DType::F32) {
            self.narrow(to);
        }
    }

    /// What an accumulator starts with.
    pub(super) fn identity(op: Reduce, dtype: DType) -> u32 {
        match op {
            Reduce::Sum => 0,
            Reduce::Prod => bits_of(1.0, dtype),
            Reduce::Max => bits_of(dtype.min_value(), dtype),
        }
    }

    /// `acc = op(acc, value)`.
    pub(super) fn combine(&mut self, op: Reduce, dtype: DType, acc: Local, value: Local) {
        let mut s = self.op();
        s.local_get(acc).local_get(value);
        match (op, dtype) {
            (Reduce::Sum, DType::F32) => s.f32x4_add(),
            (Reduce::Prod, DType::F32) => s.f32x4_mul(),
            (Reduce::Max, DType::F32) => {
                s.local_get(acc).f32x4_pmax();
                s.local_get(acc).local_get(acc).f32x4_ne().v128_bitselect()
            }
            (Reduce::Sum, _) => s.i32x4_add(),
            (Reduce::Prod, _) => s.i32x4_mul(),
            (Reduce::Max, DType::I32) => s.i32x4_max_s(),
            (Reduce::Max, _) => s.i32x4_max_u(),
        };
        self.op().local_set(acc);
    }
}

/// Whether the lanes of two dtypes of one size differ where their bits in memory agree.
fn recodes(from: DType, to: DType) -> bool {
    from != to && from.size() < 4
}
