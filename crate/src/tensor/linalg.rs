//! Decompositions of matrices, 16-bit floats in float32. Values come from a fixed number of steps, each stored, through
//! which no gradient flows; gradients follow closed rules of tensor methods, and so differentiate again. For small
//! matrices: a step is a few kernels over the whole matrix.

use super::Tensor;
use crate::{
    error::{Error, Result},
    graph::{DType, Shape},
};

impl Tensor {
    /// `Q` [.., m, m] orthogonal and `R` [.., m, n] upper triangular with `Q · R` = self, matrices [.., m, n], by
    /// min(m − 1, n) Householder reflections of three kernels each, with LAPACK's signs.
    ///
    /// The gradient is that of Walter and Lehmann (arXiv 1001.1654) and needs linearly independent first min(m, n)
    /// columns. The columns that complete a tall `Q` are any basis: it is right for what does not depend on which.
    /// Source: tinygrad `Tensor.qr`, `torch.linalg.qr(mode="complete")`, LAPACK `sgeqrf`.
    ///
    /// # Errors
    /// `Shape` for fewer than two axes, `DType` for integers.
    pub fn qr(&self) -> Result<(Tensor, Tensor)> {
        let (x, front) = matrices("qr", self)?;
        let [_, m, n] = sizes(&x);
        let k = m.min(n);
        let q = householder(&scaled(&x.detach())?.0)?
            .custom_grad(&[&columns(&x, 0, k)?], |g, q, x| Ok(vec![Some(qr_gradient(g, q, &x[0])?)]))?;
        let r = columns(&q, 0, k)?.transpose(1, 2)?.matmul(&x)?.triu(0)?;
        let r = r.pad(&[(0, 0), (0, m - k), (0, 0)], 0.0)?;
        Ok((restored(&q, &front, self.dtype())?, restored(&r, &front, self.dtype())?))
    }

    /// `U` [.., m, m] and `Vh` [.., n, n] orthogonal (without `full_matrices` [.., m, k] and [.., k, n], k =
    /// min(m, n)), and between them `S` [.., k], from the largest down, with `U · diag(S) · Vh` = self, matrices
    /// [.., m, n]. By one-sided Jacobi rotations: 3 + ⌈log₂ k⌉ sweeps of about k rounds of two kernels each, measured
    /// to converge in float64 up to k = 128; then the reflections of [`Tensor::qr`] normalise and complete `U`.
    ///
    /// The gradient of `S` holds always, those of `U` and `Vh` (Townsend 2016, with free signs of the columns) where
    /// singular values differ and, where m ≠ n, none is 0. Columns that complete `U` or `Vh` are any basis, as in
    /// [`Tensor::qr`].
    /// Source: tinygrad `Tensor.svd`, `torch.linalg.svd`, Demmel and Veselić 1992.
    ///
    /// # Errors
    /// `Shape` for fewer than two axes, `DType` for integers.
    pub fn svd(&self, full_matrices: bool) -> Result<(Tensor, Tensor, Tensor)> {
        let (x, front) = matrices("svd", self)?;
        let wide = sizes(&x)[1] < sizes(&x)[2];
        let x = if wide { x.transpose(1, 2)? } else { x };
        let (u, s, v) = decomposed(&x.detach())?;
        let [u, s, v] = attached(&x, &u, &s, &v)?;
        let u = if full_matrices { u } else { columns(&u, 0, sizes(&v)[2])? };
        let (u, v) = if wide { (v, u) } else { (u, v) };
        let out = |x: &Tensor| restored(x, &front, self.dtype());
        Ok((out(&u)?, out(&s)?, out(&v.transpose(1, 2)?)?))
    }
}

/// Matrices `[batch, m, n]` in a dtype to compute in, and the axes before them.
fn matrices(op: &str, x: &Tensor) -> Result<(Tensor, Shape)> {
    let (shape, dtype) = (x.shape(), x.dtype());
    if !dtype.is_float() {
        return Err(Error::dtype(op, dtype.name(), "a float dtype", "cast it with .float()"));
    }
    let Some(at) = shape.len().checked_sub(2) else {
        let got = format!("shape {:?}", shape.as_slice());
        return Err(Error::shape(op, got, "matrices [.., m, n]", "reshape it to a matrix"));
    };
    let front = Shape::from_slice(&shape[..at]);
    let flat = [front.iter().product::<usize>() as isize, shape[at] as isize, shape[at + 1] as isize];
    Ok((x.cast(if dtype == DType::F64 { dtype } else { DType::F32 })?.reshape(&flat)?, front))
}

fn restored(x: &Tensor, front: &[usize], dtype: DType) -> Result<Tensor> {
    let shape: Vec<isize> = front.iter().chain(&x.shape()[1..]).map(|n| *n as isize).collect();
    x.reshape(&shape)?.cast(dtype)
}

fn sizes(x: &Tensor) -> [usize; 3] {
    let shape = x.shape();
    [shape[0], shape[1], shape[2]]
}

fn columns(x: &Tensor, start: usize, end: usize) -> Result<Tensor> {
    x.shrink_axes(&[None, None, Some((start, end))])
}

fn rows(x: &Tensor, start: usize, end: usize) -> Result<Tensor> {
    x.shrink_axes(&[None, Some((start, end)), None])
}

fn eyes(batch: usize, n: usize, dtype: DType) -> Result<Tensor> {
    Tensor::identity(n, n, dtype)?.expand(&[batch as isize, n as isize, n as isize])
}

/// 0, 1, .. down a column.
fn places(n: usize) -> Result<Tensor> {
    Tensor::arange(0.0, n as f64, 1.0, DType::I32)?.reshape(&[n as isize, 1])
}

/// The matrices over their largest absolute elements, so that squares neither overflow nor vanish, and those.
fn scaled(x: &Tensor) -> Result<(Tensor, Tensor)> {
    if x.numel() == 0 {
        return Ok((x.clone(), Tensor::full(&[sizes(x)[0], 1, 1], 1.0, x.dtype())?));
    }
    let largest = x.abs()?.max([1, 2], true)?;
    let largest = largest.gt(0.0)?.where_(&largest, 1.0)?;
    Ok((x.div(&largest)?.contiguous(), largest))
}

/// `Q` [m, m]: column `i` of the matrices, on the left, is reflected onto its element `i` unless it is there already;
/// the same steps make the identity, on the right, the transpose of `Q`.
fn householder(x: &Tensor) -> Result<Tensor> {
    let [batch, m, n] = sizes(x);
    let place = places(m)?;
    let mut w = Tensor::cat(&[x.clone(), eyes(batch, m, x.dtype())?], 2)?.contiguous();
    for i in 0..m.saturating_sub(1).min(n) {
        let column = columns(&w, i, i + 1)?;
        let head = rows(&column, i, i + 1)?;
        let below = place.gt(i as f64)?.where_(&column, 0.0)?;
        let rest = below.square()?.sum(1, true)?;
        let turns = rest.gt(0.0)?;
        let norm = head.square()?.add(&rest)?.sqrt()?;
        let onto = head.lt(0.0)?.where_(&norm, norm.neg()?)?;
        let v = below.div(turns.where_(head.sub(&onto)?, 1.0)?)?.add(place.eq(i as f64)?.cast(x.dtype())?)?;
        let tau = turns.where_(onto.sub(&head)?.div(turns.where_(&onto, 1.0)?)?, 0.0)?;
        w = w.sub(tau.mul(&v)?.mul(v.mul(&w)?.sum(1, true)?)?)?.contiguous();
    }
    Ok(columns(&w, n, n + m)?.transpose(1, 2)?.contiguous())
}

/// The gradient of `a` [m, k], m ≥ k, for the gradient `g` of all of its `Q` [m, m].
fn qr_gradient(g: &Tensor, q: &Tensor, a: &Tensor) -> Result<Tensor> {
    let [_, m, k] = sizes(a);
    let (g1, q1) = (columns(g, 0, k)?, columns(q, 0, k)?);
    let r = q1.transpose(1, 2)?.matmul(a)?.triu(0)?;
    let inner = g1.transpose(1, 2)?.matmul(&q1)?.neg()?;
    let inner = inner.tril(0)?.add(inner.tril(-1)?.transpose(1, 2)?)?;
    let mut sum = g1.add(q1.matmul(&inner)?)?;
    if m > k {
        let (g2, q2) = (columns(g, k, m)?, columns(q, k, m)?);
        sum = sum.sub(q2.matmul(&g2.transpose(1, 2)?.matmul(&q1)?)?)?;
    }
    sum.matmul(&upper_inverse(&r)?.transpose(1, 2)?)
}

/// The inverse of upper triangular matrices: blocks of the diagonal, inverted, grow to twice their size in each step
/// by `[A B; 0 C]⁻¹ = [A⁻¹ −A⁻¹·B·C⁻¹; 0 C⁻¹]`.
fn upper_inverse(r: &Tensor) -> Result<Tensor> {
    let [batch, n, _] = sizes(r);
    let eye = eyes(batch, n, r.dtype())?;
    let (row, column) = (places(n)?, places(n)?.t());
    let mut inverse = eye.div(eye.gt(0.0)?.where_(r, 1.0)?)?.contiguous();
    for bit in (0..).take_while(|bit| 1 << bit < n) {
        let parted = row.rshift(bit)?.ne(&column.rshift(bit)?)?;
        let joined = row.rshift(bit + 1)?.eq(&column.rshift(bit + 1)?)?;
        let beside = parted.bitwise_and(&joined)?.where_(r, 0.0)?;
        inverse = inverse.sub(inverse.matmul(&beside)?.matmul(&inverse)?)?.contiguous();
    }
    Ok(inverse)
}

/// `U` [m, m], singular values [n] and `V` [n, n] of `x` [m, n], m ≥ n.
fn decomposed(x: &Tensor) -> Result<(Tensor, Tensor, Tensor)> {
    let [batch, m, n] = sizes(x);
    let (x, scale) = scaled(x)?;
    let w = orthogonalised(&x)?;
    let (lengths, order) = rows(&w, 0, m)?.square()?.sum(1, false)?.sqrt()?.contiguous().sort(1, true)?;
    let order = order.unsqueeze(1)?.expand(&[batch as isize, (m + n) as isize, n as isize])?;
    let w = w.gather(2, &order)?.contiguous();
    // The reflections of columns at right angles only normalise them, and complete them where they are 0.
    let (b, v) = (rows(&w, 0, m)?, rows(&w, m, m + n)?);
    let q = householder(&b)?;
    let flips = columns(&q, 0, n)?.mul(&b)?.sum(1, true)?.lt(0.0)?.where_(-2.0, 0.0)?;
    let signs = flips.cast(x.dtype())?.pad(&[(0, 0), (0, 0), (0, m - n)], 0.0)?.add(1.0)?;
    Ok((q.mul(&signs)?.contiguous(), lengths.mul(&scale.squeeze(Some(2))?)?, v.contiguous()))
}

/// `x` [m, n] times a rotation `V`, so that its columns are at right angles, above `V` itself.
fn orthogonalised(x: &Tensor) -> Result<Tensor> {
    let [batch, m, n] = sizes(x);
    // An odd matrix gets a column of zeros, which nothing rotates and whole sweeps bring back to the end.
    let width = n + n % 2;
    let above = x.pad(&[(0, 0), (0, 0), (0, width - n)], 0.0)?;
    let mut w = Tensor::cat(&[above, eyes(batch, width, x.dtype())?], 1)?.contiguous();
    let sweeps = if n > 1 { 3 + n.next_power_of_two().ilog2() as usize } else { 0 };
    for _ in 0..sweeps * width.saturating_sub(1) {
        w = rotated(&w, m)?;
    }
    columns(&rows(&w, 0, m + n)?, 0, n)
}

/// Column `j` of the left half is rotated with column `j` of the right half until their first `m` rows are at a right
/// angle; then the columns move on to their next partners, as in a tournament in which column 0 stays.
fn rotated(w: &Tensor, m: usize) -> Result<Tensor> {
    let half = sizes(w)[2] / 2;
    let (left, right) = (columns(w, 0, half)?, columns(w, half, 2 * half)?);
    let (a, b) = (rows(&left, 0, m)?, rows(&right, 0, m)?);
    let apart = b.square()?.sum(1, true)?.sub(a.square()?.sum(1, true)?)?;
    let twice = a.mul(&b)?.sum(1, true)?.mul(2.0)?;
    let turns = twice.ne(0.0)?;
    let ratio = apart.div(turns.where_(&twice, 1.0)?)?;
    let tangent = ratio.abs()?.add(ratio.square()?.add(1.0)?.sqrt()?)?.reciprocal()?;
    let tangent = turns.where_(ratio.lt(0.0)?.where_(tangent.neg()?, &tangent)?, 0.0)?.contiguous();
    let cosine = tangent.square()?.add(1.0)?.rsqrt()?;
    let sine = tangent.mul(&cosine)?;
    let l = cosine.mul(&left)?.sub(sine.mul(&right)?)?;
    let r = sine.mul(&left)?.add(cosine.mul(&right)?)?;
    if half == 1 {
        return Ok(Tensor::cat(&[l, r], 2)?.contiguous());
    }
    let (first, middle, last) = (columns(&l, 0, 1)?, columns(&l, 1, half - 1)?, columns(&l, half - 1, half)?);
    let (up, stays) = (columns(&r, 0, 1)?, columns(&r, 1, half)?);
    Ok(Tensor::cat(&[first, up, middle, stays, last], 2)?.contiguous())
}

/// The values `u`, `s` and `v` with the gradients they have as the decomposition of `x`.
fn attached(x: &Tensor, u: &Tensor, s: &Tensor, v: &Tensor) -> Result<[Tensor; 3]> {
    type Rule = fn(&Tensor, &Tensor, &Tensor, &Tensor) -> Result<Tensor>;
    let with = |value: &Tensor, rule: Rule| {
        value.custom_grad(&[x, u, s, v], move |g, _, inputs| {
            let [u, s, v] = attached(&inputs[0], &inputs[1], &inputs[2], &inputs[3])?;
            Ok(vec![Some(rule(g, &u, &s, &v)?.matmul(&v.transpose(1, 2)?)?), None, None, None])
        })
    };
    let of_u = with(u, |g, u, s, v| {
        let (m, n) = (sizes(u)[2], sizes(v)[2]);
        let (g1, u1, s) = (columns(g, 0, n)?, columns(u, 0, n)?, s.unsqueeze(1)?);
        let product = u1.transpose(1, 2)?.matmul(&g1)?;
        let turned = u1.matmul(&turns(&product, &s)?.mul(&s)?)?;
        if m == n {
            return Ok(turned);
        }
        let (g2, u2) = (columns(g, n, m)?, columns(u, n, m)?);
        let out = g1.sub(u1.matmul(&product)?)?.sub(u2.matmul(&g2.transpose(1, 2)?.matmul(&u1)?)?)?;
        turned.add(out.div(&s)?)
    })?;
    let of_s = with(s, |g, u, _, v| columns(u, 0, sizes(v)[2])?.mul(g.unsqueeze(1)?))?;
    let of_v = with(v, |g, u, s, v| {
        let s = s.unsqueeze(1)?;
        columns(u, 0, sizes(v)[2])?.mul(&s)?.matmul(&turns(&v.transpose(1, 2)?.matmul(g)?, &s)?)
    })?;
    Ok([of_u, of_s, of_v])
}

/// `(p − pᵀ)ᵢⱼ / (sⱼ² − sᵢ²)`, 0 on the diagonal, for `s` [1, n].
fn turns(p: &Tensor, s: &Tensor) -> Result<Tensor> {
    let ([batch, n, _], row) = (sizes(p), s.transpose(1, 2)?);
    let apart = s.sub(&row)?.mul(s.add(&row)?)?;
    let apart = eyes(batch, n, p.dtype())?.gt(0.0)?.where_(1.0, &apart)?;
    p.sub(p.transpose(1, 2)?)?.div(&apart)
}
