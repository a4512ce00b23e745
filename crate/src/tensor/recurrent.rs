//! Recurrent networks over a sequence: the inputs' part of the gates in one product, the states' part step by step.

use super::Tensor;
use crate::error::{Error, Result};

/// What happens at each step. Rows of the weights belong to the gates in PyTorch's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecurrentCell {
    /// `h' = tanh(gates)`.
    Tanh,
    /// `h' = relu(gates)`.
    Relu,
    /// Reset, update, new: `h' = (1 − z)·n + z·h` with `n = tanh(x's part + r · h's part)`.
    Gru,
    /// Input, forget, cell, output: `c' = f·c + i·g`, `h' = o·tanh(c')`. Its state is `h, c`.
    Lstm,
}

/// How the weights of [`Tensor::recurrent`] are to be read, and its input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecurrentOptions {
    pub bias: bool,
    /// Input and output are `[batch, steps, features]`; states stay `[layers, batch, hidden]`.
    pub batch_first: bool,
    /// Each layer also walks from the end; outputs of both ways are side by side.
    pub bidirectional: bool,
    /// Probability with which outputs of all layers but the last are dropped in training.
    pub dropout: f64,
}

impl Default for RecurrentOptions {
    fn default() -> Self {
        Self { bias: true, batch_first: false, bidirectional: false, dropout: 0.0 }
    }
}

impl RecurrentCell {
    /// From `rnn_tanh`, `rnn_relu`, `gru` or `lstm`.
    pub fn parse(name: &str) -> Result<RecurrentCell> {
        match name {
            "rnn_tanh" => Ok(RecurrentCell::Tanh),
            "rnn_relu" => Ok(RecurrentCell::Relu),
            "gru" => Ok(RecurrentCell::Gru),
            "lstm" => Ok(RecurrentCell::Lstm),
            other => Err(Error::argument(
                "recurrent",
                format!("cell {other:?}"),
                "rnn_tanh, rnn_relu, gru or lstm",
                "name one of the four",
            )),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            RecurrentCell::Tanh | RecurrentCell::Relu => "RNN",
            RecurrentCell::Gru => "GRU",
            RecurrentCell::Lstm => "LSTM",
        }
    }

    /// Gates, each with a row of weights for every hidden unit.
    pub(crate) fn gates(self) -> usize {
        match self {
            RecurrentCell::Tanh | RecurrentCell::Relu => 1,
            RecurrentCell::Gru => 3,
            RecurrentCell::Lstm => 4,
        }
    }

    fn states(self) -> usize {
        if self == RecurrentCell::Lstm { 2 } else { 1 }
    }

    /// The next state from the inputs' part of the gates `[batch, gates · hidden]`.
    fn step(self, inputs: &Tensor, state: &[Tensor], w: &Weights) -> Result<Vec<Tensor>> {
        let h = &state[0];
        let hidden = h.shape()[1];
        let part = |x: &Tensor, k: usize| x.shrink(&[(0, x.shape()[0]), (k * hidden, (k + 1) * hidden)]);
        let own = h.linear(&w.states.t(), if self == RecurrentCell::Gru { w.states_bias } else { None })?;
        if self == RecurrentCell::Gru {
            let gate = |k: usize| part(inputs, k)?.add(part(&own, k)?)?.sigmoid();
            let (reset, update) = (gate(0)?, gate(1)?);
            let new = part(inputs, 2)?.add(reset.mul(part(&own, 2)?)?)?.tanh()?;
            return Ok(vec![new.add(update.mul(h.sub(&new)?)?)?]);
        }
        let gates = inputs.add(&own)?;
        Ok(match self {
            RecurrentCell::Tanh => vec![gates.tanh()?],
            RecurrentCell::Relu => vec![gates.relu()?],
            RecurrentCell::Gru | RecurrentCell::Lstm => {
                let gate = |k: usize| part(&gates, k)?.sigmoid();
                let c = gate(1)?.mul(&state[1])?.add(gate(0)?.mul(part(&gates, 2)?.tanh()?)?)?;
                vec![gate(3)?.mul(c.tanh()?)?, c]
            }
        })
    }
}

/// The weights of one layer in one direction.
struct Weights<'a> {
    inputs: &'a Tensor,
    states: &'a Tensor,
    inputs_bias: Option<&'a Tensor>,
    states_bias: Option<&'a Tensor>,
}

impl Tensor {
    /// This sequence `[steps, batch, features]`, or `[steps, features]`, through recurrent layers. `weights` are, for
    /// each layer and direction, `[gates · hidden, features]`, `[gates · hidden, hidden]` and with `bias` two of
    /// `[gates · hidden]`; `state` is empty for zeros, else `[layers · directions, batch, hidden]`, two of them for
    /// `Lstm`. Gives the outputs of the last layer and the states after the last step. Source: PyTorch's RNN, GRU, LSTM.
    ///
    /// # Errors
    /// `Shape` where sizes do not fit or there is no step, `Argument` for a wrong number of weights or states.
    pub fn recurrent(
        &self,
        cell: RecurrentCell,
        weights: &[Tensor],
        state: &[Tensor],
        options: RecurrentOptions,
    ) -> Result<Vec<Tensor>> {
        let (each, ways) = (if options.bias { 4 } else { 2 }, if options.bidirectional { 2 } else { 1 });
        let batched = self.ndim() == 3;
        let hidden = check(self, cell, weights, state, each * ways)?;
        let lift = |x: &Tensor| if batched { Ok(x.clone()) } else { x.unsqueeze(1) };
        let mut x = if batched && options.batch_first { self.transpose(0, 1)? } else { lift(self)? };
        let (layers, batch) = (weights.len() / each, x.shape()[1]);
        let first = state.iter().map(lift).collect::<Result<Vec<_>>>()?;
        let wanted = [layers, batch, hidden];
        if let Some(wrong) = first.iter().find(|s| s.shape()[..] != wanted) {
            let (got, expected) = (format!("a state {:?}", wrong.shape().as_slice()), format!("{wanted:?}"));
            let fix = "give one state [batch, hidden] for each layer and direction";
            return Err(Error::shape(cell.name(), got, expected, fix));
        }
        let mut last: Vec<Vec<Tensor>> = vec![Vec::new(); cell.states()];
        for layer in 0..layers / ways {
            let mut outputs = Vec::with_capacity(ways);
            for way in 0..ways {
                let at = layer * ways + way;
                let own = &weights[at * each..(at + 1) * each];
                let begin = match &first[..] {
                    [] => vec![Tensor::zeros(&[batch, hidden])?.cast(x.dtype())?; cell.states()],
                    given => given
                        .iter()
                        .map(|s| s.shrink(&[(at, at + 1), (0, batch), (0, hidden)])?.squeeze(Some(0)))
                        .collect::<Result<Vec<_>>>()?,
                };
                let w = Weights {
                    inputs: &own[0],
                    states: &own[1],
                    inputs_bias: own.get(2),
                    states_bias: own.get(3),
                };
                let (output, end) = walk(&x, cell, &w, begin, way == 1)?;
                outputs.push(output);
                last.iter_mut().zip(end).for_each(|(all, s)| all.push(s));
            }
            x = if ways == 2 { Tensor::cat(&outputs, 2)? } else { outputs.remove(0) };
            if layer + 1 < layers / ways && options.dropout > 0.0 {
                x = x.dropout(options.dropout)?;
            }
        }
        let drop = |x: Tensor| if batched { Ok(x) } else { x.squeeze(Some(1)) };
        let output = if batched && options.batch_first { x.transpose(0, 1)? } else { drop(x)? };
        let states = last.iter().map(|all| drop(Tensor::stack(all, 0)?));
        std::iter::once(Ok(output)).chain(states).collect()
    }
}

/// The hidden size, once all sizes but the states' are known to fit.
fn check(
    x: &Tensor,
    cell: RecurrentCell,
    weights: &[Tensor],
    state: &[Tensor],
    each: usize,
) -> Result<usize> {
    let counts = weights.is_empty()
        || !weights.len().is_multiple_of(each)
        || !(state.is_empty() || state.len() == cell.states());
    if counts {
        let got = format!("{} weights and {} states", weights.len(), state.len());
        let expected = format!("{each} weights a layer, and no or {} states", cell.states());
        return Err(Error::argument(cell.name(), got, expected, "give the weights of all layers, in order"));
    }
    let (shape, own) = (x.shape(), weights[0].shape());
    let steps = matches!(shape.len(), 2 | 3) && shape[..shape.len() - 1].iter().all(|n| *n > 0);
    if !steps || own.len() != 2 || shape.last() != own.last() || own[0] % cell.gates() != 0 {
        let got = format!("input {:?} and weight {:?}", shape.as_slice(), own.as_slice());
        let expected =
            "[steps, batch, features] with a step or more, and a weight [gates · hidden, features]";
        return Err(Error::shape(cell.name(), got, expected, "give the layer the features it was made for"));
    }
    if state.iter().any(|s| s.ndim() != shape.len()) {
        let got = format!("a state of {} axes for an input of {}", state[0].ndim(), shape.len());
        let expected = "[layers, batch, hidden], without a batch as the input";
        return Err(Error::shape(cell.name(), got, expected, "add or drop the state's batch axis"));
    }
    Ok(own[0] / cell.gates())
}

/// One layer in one direction: outputs `[steps, batch, hidden]` and the states after the last step.
fn walk(
    x: &Tensor,
    cell: RecurrentCell,
    w: &Weights,
    begin: Vec<Tensor>,
    backwards: bool,
) -> Result<(Tensor, Vec<Tensor>)> {
    let bias = match (w.inputs_bias, w.states_bias) {
        // A GRU scales its state's part of the new gate, bias included.
        (Some(a), Some(b)) if cell != RecurrentCell::Gru => Some(a.add(b)?),
        (a, _) => a.cloned(),
    };
    let mut inputs = steps(&x.linear(&w.inputs.t(), bias.as_ref())?)?;
    if backwards {
        inputs.reverse();
    }
    let mut state = begin;
    let mut outputs = Vec::with_capacity(inputs.len());
    for input in &inputs {
        state = cell.step(&input.squeeze(Some(0))?, &state, w)?;
        outputs.push(state[0].unsqueeze(0)?);
    }
    if backwards {
        outputs.reverse();
    }
    Ok((joined(outputs)?, state))
}

/// Steps that share a kernel where a sequence is taken apart or put together: each element there looks at so many.
const TOGETHER: usize = 6;

/// The steps `[1, batch, …]` of a sequence.
fn steps(x: &Tensor) -> Result<Vec<Tensor>> {
    let shape = x.shape();
    let n = shape[0];
    let long = (1..).map(|k| TOGETHER.pow(k)).take_while(|long| *long < n).last().unwrap_or(1);
    let mut parts = Vec::new();
    for from in (0..n).step_by(long) {
        let mut kept: Vec<(usize, usize)> = shape.iter().map(|n| (0, *n)).collect();
        kept[0] = (from, n.min(from + long));
        let part = x.shrink(&kept)?;
        if long == 1 {
            parts.push(part);
        } else {
            parts.extend(steps(&part.contiguous_backward()?)?);
        }
    }
    Ok(parts)
}

/// A sequence from its steps.
fn joined(mut parts: Vec<Tensor>) -> Result<Tensor> {
    while parts.len() > TOGETHER {
        let group = |some: &[Tensor]| Ok(Tensor::cat(some, 0)?.contiguous());
        parts = parts.chunks(TOGETHER).map(group).collect::<Result<_>>()?;
    }
    Tensor::cat(&parts, 0)
}
