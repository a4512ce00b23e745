//! Scaled dot-product attention (Vaswani et al. 2017).

use super::{Tensor, build, shape};
use crate::{
    error::{Error, Result},
    graph::{DType, Node, Unary},
};

/// What [`Tensor::scaled_dot_product_attention`] may be told.
#[derive(Clone, Debug, Default)]
pub struct AttentionOptions {
    /// Broadcasts to [.., queries, keys]: bool (true takes part), or float numbers added to the scores.
    pub mask: Option<Tensor>,
    /// The part of the weights that is dropped while training.
    pub dropout: f64,
    /// Whether query i sees only keys 0..=i.
    pub causal: bool,
    /// Whether keys and values have fewer heads (axis -3), each shared by as many queries' heads.
    pub gqa: bool,
}

/// Each head (axis -3) as often as it takes for `heads`.
fn shared_heads(x: &Tensor, heads: usize) -> Result<Tensor> {
    let node = x.node();
    let own = node.shape.len().checked_sub(3).map_or(0, |a| node.shape[a]);
    if own == 0 || !heads.is_multiple_of(own) {
        return Err(Error::shape(
            "scaled_dot_product_attention",
            format!("{heads} heads of queries for keys or values {:?}", node.shape.as_slice()),
            "heads of queries divisible by the heads of keys and values (axis -3)",
            "change the number of heads",
        ));
    }
    let at = node.shape.len() - 2;
    let mut wide = node.shape.clone();
    wide.insert(at, 1);
    let line = build::reshape(&node, &wide);
    wide[at] = heads / own;
    let mut to = node.shape.clone();
    to[at - 1] = heads;
    Ok(Tensor::from_node(build::reshape(&build::expand(&line, &wide), &to)))
}

/// `scores`, with -Infinity where `seen` is false.
fn masked(scores: &Node, seen: &Node) -> Node {
    let seen = shape::broadcast_node(seen, &scores.shape);
    build::select(&seen, scores, &build::like(scores, f64::NEG_INFINITY))
}

impl Tensor {
    /// `softmax(self · keyᵀ / √width + mask) · value` for queries `self` [.., queries, width], `key`
    /// [.., keys, width] and `value` [.., keys, out] → [.., queries, out]. A query that sees no key gives NaN.
    pub fn scaled_dot_product_attention(
        &self,
        key: &Tensor,
        value: &Tensor,
        options: AttentionOptions,
    ) -> Result<Tensor> {
        let op = "scaled_dot_product_attention";
        let (q, k, v) = (self.shape(), key.shape(), value.shape());
        let (dq, dk, dv) = (q.len(), k.len(), v.len());
        if dq < 2 || dk < 2 || dv < 2 || q[dq - 1] != k[dk - 1] || k[dk - 2] != v[dv - 2] || q[dq - 1] == 0 {
            return Err(Error::shape(
                op,
                format!("query {:?}, key {:?}, value {:?}", q.as_slice(), k.as_slice(), v.as_slice()),
                "query [.., queries, width], key [.., keys, width], value [.., keys, out]",
                "transpose or reshape one of them",
            ));
        }
        if options.causal && options.mask.is_some() {
            let fix = "put the causal part into the mask";
            return Err(Error::argument(op, "attn_mask with is_causal", "one of them", fix));
        }
        let share = |x: &Tensor| match (options.gqa, dq.checked_sub(3)) {
            (true, heads) => shared_heads(x, heads.map_or(0, |a| q[a])),
            (false, _) => Ok(x.clone()),
        };
        let (key, value) = (share(key)?, share(value)?);
        let scores = self.matmul(&key.transpose(-2, -1)?)?.div((q[dq - 1] as f64).sqrt())?;
        let node = scores.node();
        let scores = match &options.mask {
            Some(mask) if mask.dtype() == DType::Bool => {
                let to = shape::broadcast(op, &node.shape, &mask.shape())?;
                Tensor::from_node(masked(&shape::broadcast_node(&node, &to), &mask.node()))
            }
            Some(mask) => scores.add(mask)?,
            None if options.causal => {
                let last = node.shape.len() - 1;
                let [row, column] = [last - 1, last].map(|a| build::iota_along(&node.shape, a, DType::I32));
                let ahead = build::lt(&row, &column);
                Tensor::from_node(masked(&node, &build::unary(Unary::Not, &ahead)))
            }
            None => scores,
        };
        scores.softmax(-1)?.dropout(options.dropout)?.matmul(&value)
    }
}
