//! Recurrent layers learn, and keep PyTorch's names.

use playgrad::{
    Tensor,
    error::Result,
    manual_seed,
    nn::{Linear, LstmCell, Module, Recurrent, parameters},
    optim::{AdamOptions, Optimizer},
    tensor::{RecurrentCell, RecurrentOptions},
};

/// Bits as +1 and -1: eight steps of a batch of 32, and whether the first and the last agree.
fn bits() -> Result<(Tensor, Tensor)> {
    let mut state = 7u32;
    let mut x = vec![0.0; 8 * 32];
    x.iter_mut().for_each(|x| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *x = if state >> 31 == 1 { 1.0 } else { -1.0 };
    });
    let y: Vec<f32> = (0..32).map(|n| x[n] * x[7 * 32 + n]).collect();
    Ok((Tensor::from_slice(&x, &[8, 32, 1])?, Tensor::from_slice(&y, &[32, 1])?))
}

fn learns(cell: RecurrentCell, options: RecurrentOptions) -> Result<f64> {
    manual_seed(3);
    let net = Recurrent::new(cell, 1, 16, 1, options)?;
    let head = Linear::new(16, 1, true)?;
    let mut all = parameters(&net);
    all.extend(parameters(&head));
    let optimizer = Optimizer::adam(&all, AdamOptions { lr: 0.02, ..AdamOptions::default() })?;
    let (x, y) = bits()?;
    let mut loss = f64::NAN;
    for _ in 0..200 {
        optimizer.zero_grad();
        let last = net.run(&x, &[])?[1].squeeze(Some(0))?;
        let wrong = head.forward(&last)?.sub(&y)?.square()?.mean((), false)?;
        wrong.backward()?;
        optimizer.step()?;
        loss = wrong.item()?;
    }
    Ok(loss)
}

#[test]
fn each_cell_learns_to_compare_the_first_bit_with_the_last() {
    for cell in [RecurrentCell::Tanh, RecurrentCell::Gru, RecurrentCell::Lstm] {
        let loss = learns(cell, RecurrentOptions::default()).unwrap();
        println!("{cell:?}: loss {loss:.5}");
        assert!(loss < 0.05, "{cell:?}: loss {loss}");
    }
}

#[test]
fn tensors_have_pytorchs_names() {
    let options = RecurrentOptions { bidirectional: true, ..RecurrentOptions::default() };
    let names = |net: &Recurrent| net.tensors().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let net = Recurrent::new(RecurrentCell::Gru, 3, 2, 2, options).unwrap();
    let expected = ["l0", "l0_reverse", "l1", "l1_reverse"]
        .map(|end| ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(|start| format!("{start}_{end}")));
    assert_eq!(names(&net), expected.concat());
    assert_eq!(net.weights[8].shape()[..], [6, 4]);
    let options = RecurrentOptions { bias: false, ..options };
    let net = Recurrent::new(RecurrentCell::Relu, 3, 2, 1, options).unwrap();
    let expected = ["weight_ih_l0", "weight_hh_l0", "weight_ih_l0_reverse", "weight_hh_l0_reverse"];
    assert_eq!(names(&net), expected);
}

#[test]
fn a_cell_step_by_step_is_the_layer() {
    manual_seed(5);
    let cell = LstmCell::new(3, 4, true).unwrap();
    let x = Tensor::randn(&[5, 2, 3]).unwrap();
    let weights: Vec<Tensor> = cell.tensors().into_iter().map(|(_, t)| t).collect();
    let whole = x.recurrent(RecurrentCell::Lstm, &weights, &[], RecurrentOptions::default()).unwrap();
    let mut state: Option<(Tensor, Tensor)> = None;
    for t in 0..5 {
        let now = x.shrink(&[(t, t + 1), (0, 2), (0, 3)]).unwrap().squeeze(Some(0)).unwrap();
        state = Some(cell.step(&now, state.as_ref().map(|(h, c)| (h, c))).unwrap());
    }
    let (h, c) = state.unwrap();
    for (got, expected) in [(&h, &whole[1]), (&c, &whole[2])] {
        let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
        let (got, expected) = (got.to_vec::<f32>().unwrap(), expected.to_vec::<f32>().unwrap());
        assert!(got.iter().zip(&expected).all(close), "{got:?} {expected:?}");
    }
}

#[test]
fn mistakes_name_the_layer_and_the_fix() {
    let net = Recurrent::new(RecurrentCell::Gru, 3, 2, 1, RecurrentOptions::default()).unwrap();
    let ones = |shape: &[usize]| Tensor::ones(shape).unwrap();
    let (x, h) = (ones(&[4, 1, 3]), ones(&[1, 1, 2]));
    for result in [
        net.run(&ones(&[4, 1, 2]), &[]),
        net.run(&ones(&[0, 1, 3]), &[]),
        net.run(&ones(&[3]), &[]),
        net.run(&x, &[ones(&[1, 2, 2])]),
        net.run(&x, &[ones(&[1, 2])]),
        net.run(&x, &[h.clone(), h]),
        x.recurrent(RecurrentCell::Gru, &net.weights[..3], &[], net.options),
    ] {
        let text = result.map(drop).unwrap_err().to_string();
        assert!(text.starts_with("GRU"), "{text}");
    }
    assert!(Recurrent::new(RecurrentCell::Gru, 3, 0, 1, RecurrentOptions::default()).is_err());
    assert!(LstmCell::new(3, 0, true).is_err());
    assert!(RecurrentCell::parse("elman").is_err());
}
