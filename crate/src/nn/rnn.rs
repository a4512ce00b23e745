use super::{Module, parameter};
use crate::{
    error::{Error, Result},
    tensor::{RecurrentCell, RecurrentOptions, Tensor, host_uniform},
};

/// PyTorch's `RNN` (cells `Tanh` and `Relu`), `GRU` and `LSTM`: layers of a recurrent cell over a sequence, weights
/// named `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, with `_reverse` where they walk from the end.
/// All start uniform in `±1/√hidden`.
pub struct Recurrent {
    pub cell: RecurrentCell,
    pub options: RecurrentOptions,
    /// Layer by layer, way by way, in the order above.
    pub weights: Vec<Tensor>,
}

impl Recurrent {
    pub fn new(
        cell: RecurrentCell,
        inputs: usize,
        hidden: usize,
        layers: usize,
        options: RecurrentOptions,
    ) -> Result<Recurrent> {
        if hidden == 0 || layers == 0 {
            let got = format!("{hidden} hidden units in {layers} layers");
            let fix = "give the layer a size";
            return Err(Error::argument(cell.name(), got, "at least one of each", fix));
        }
        let (bound, rows) = (1.0 / (hidden as f64).sqrt(), cell.gates() * hidden);
        let ways = if options.bidirectional { 2 } else { 1 };
        let mut weights = Vec::new();
        for layer in 0..layers {
            let inputs = if layer == 0 { inputs } else { ways * hidden };
            for _ in 0..ways {
                let shapes: [&[usize]; 4] = [&[rows, inputs], &[rows, hidden], &[rows], &[rows]];
                for shape in &shapes[..if options.bias { 4 } else { 2 }] {
                    weights.push(parameter(host_uniform(shape, -bound, bound)?)?);
                }
            }
        }
        Ok(Recurrent { cell, options, weights })
    }

    /// Outputs and the states after the last step, from `state` or, where it is empty, zeros: as
    /// [`Tensor::recurrent`].
    pub fn run(&self, x: &Tensor, state: &[Tensor]) -> Result<Vec<Tensor>> {
        x.recurrent(self.cell, &self.weights, state, self.options)
    }
}

impl Module for Recurrent {
    /// The outputs alone, from zero states.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.run(x, &[])?.remove(0))
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        let names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];
        let each = if self.options.bias { 4 } else { 2 };
        let name = |i: usize| {
            let at = i / each;
            let (layer, way) =
                if self.options.bidirectional { (at / 2, ["", "_reverse"][at % 2]) } else { (at, "") };
            format!("{}_l{layer}{way}", names[i % each])
        };
        self.weights.iter().enumerate().map(|(i, w)| (name(i), w.clone())).collect()
    }
}

/// One step of an LSTM, as tinygrad's: weights uniform in `±1/√hidden`, biases 0.
pub struct LstmCell {
    pub weight_ih: Tensor,
    pub weight_hh: Tensor,
    pub bias_ih: Option<Tensor>,
    pub bias_hh: Option<Tensor>,
}

impl LstmCell {
    pub fn new(inputs: usize, hidden: usize, bias: bool) -> Result<LstmCell> {
        if hidden == 0 {
            return Err(Error::argument(
                "LSTMCell",
                "0 hidden units",
                "at least one",
                "give the cell a size",
            ));
        }
        let bound = 1.0 / (hidden as f64).sqrt();
        let draw = |inputs: usize| parameter(host_uniform(&[4 * hidden, inputs], -bound, bound)?);
        let zeros = || bias.then(|| parameter(Tensor::zeros(&[4 * hidden])?.contiguous())).transpose();
        Ok(LstmCell {
            weight_ih: draw(inputs)?,
            weight_hh: draw(hidden)?,
            bias_ih: zeros()?,
            bias_hh: zeros()?,
        })
    }

    /// The next `h` and `c`, both `[batch, hidden]`, for inputs `[batch, features]` and the last ones, or zeros.
    pub fn step(&self, x: &Tensor, state: Option<(&Tensor, &Tensor)>) -> Result<(Tensor, Tensor)> {
        let mut weights = vec![self.weight_ih.clone(), self.weight_hh.clone()];
        weights.extend(self.bias_ih.iter().chain(&self.bias_hh).cloned());
        let options = RecurrentOptions { bias: weights.len() == 4, ..RecurrentOptions::default() };
        let state = match state {
            Some((h, c)) => vec![h.unsqueeze(0)?, c.unsqueeze(0)?],
            None => Vec::new(),
        };
        let next = x.unsqueeze(0)?.recurrent(RecurrentCell::Lstm, &weights, &state, options)?;
        Ok((next[1].squeeze(Some(0))?, next[2].squeeze(Some(0))?))
    }
}

impl Module for LstmCell {
    /// The next `h`, from zero states.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.step(x, None)?.0)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        let all = [
            ("weight_ih", Some(&self.weight_ih)),
            ("weight_hh", Some(&self.weight_hh)),
            ("bias_ih", self.bias_ih.as_ref()),
            ("bias_hh", self.bias_hh.as_ref()),
        ];
        all.into_iter().filter_map(|(name, t)| Some((name.to_string(), t?.clone()))).collect()
    }
}
