use super::{same, stored};
use playgrad::{
    DType, Kind, Result, Tensor, manual_seed,
    models::mamba::{Mamba, ModelArgs},
    nn::{self, Module},
    optim::{AdamOptions, Optimizer},
    runtime, schedule,
    tensor::no_grad,
};
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/mamba.json")).expect("mamba.json is JSON")
}

fn small() -> Mamba {
    let sizes = &reference()["model"]["sizes"];
    let size = |name: &str| sizes[name].as_u64().unwrap() as usize;
    let args = ModelArgs::new(size("d_model"), size("n_layer"), size("vocab_size"));
    Mamba::new(ModelArgs { d_state: size("d_state"), expand: size("expand"), d_conv: size("d_conv"), ..args })
        .unwrap()
}

#[test]
fn scores_and_gradients_are_pytorchs_from_its_state_dict() -> Result<()> {
    runtime::set_default("cpu")?;
    let (model, whole) = (small(), &reference()["model"]);
    let state = whole["state"].as_object().unwrap().iter().map(|(name, x)| (name.clone(), stored(x)));
    nn::load_state_dict(&model, &state.collect(), true)?;
    let out = model.forward(&stored(&whole["tokens"]).int()?)?;
    out.mul(stored(&whole["weights"]))?.sum((), false)?.backward()?;
    same("scores", &out, &whole["out"]);
    let own = nn::state_dict(&model);
    for (name, gradient) in whole["grads"].as_object().unwrap() {
        same(name, &own[name].grad().unwrap(), gradient);
    }
    Ok(())
}

#[test]
fn starts_with_a_padded_vocabulary_one_table_for_both_ends_and_small_steps() -> Result<()> {
    runtime::set_default("cpu")?;
    manual_seed(3);
    let model = Mamba::new(ModelArgs::new(20, 1, 10))?;
    let mixer = &model.layers[0].mixer;
    assert_eq!(model.embedding.weight.shape()[..], [16, 20]);
    assert!(model.lm_head.weight.same(&model.embedding.weight));
    assert_eq!(nn::parameters(&model).len(), 12);
    assert_eq!(mixer.x_proj.weight.shape()[..], [2 + 16 + 16, 40]);
    for (i, rate) in mixer.a_log.exp()?.to_vec::<f32>()?.into_iter().enumerate() {
        assert!((rate - (1 + i % 16) as f32).abs() < 1e-4, "{rate} at {i}");
    }
    for step in mixer.dt_proj.bias.as_ref().unwrap().softplus()?.to_vec::<f32>()? {
        assert!((0.000999..0.1001).contains(&step), "{step}");
    }
    Ok(())
}

const SYMBOLS: i32 = 4;
const LENGTH: usize = 6;
const HIDDEN: usize = 2;

/// Stories of noise (4) with symbols (0 to 3) hidden in them and as many questions (5) behind; and the symbols.
fn stories(n: usize) -> Result<(Tensor, Tensor)> {
    let told = Tensor::randint(&[n, HIDDEN], 0, SYMBOLS)?;
    let (_, drawn) = Tensor::rand(&[n, LENGTH])?.topk(HIDDEN, 1, true)?;
    let (places, _) = drawn.sort(1, false)?;
    let noise = Tensor::full(&[n, LENGTH], SYMBOLS.into(), DType::I32)?;
    let asked = Tensor::full(&[n, HIDDEN], f64::from(SYMBOLS + 1), DType::I32)?;
    Ok((Tensor::cat(&[noise.scatter(1, &places, &told, None)?, asked], 1)?, told))
}

#[test]
fn learns_to_copy_what_matters() -> Result<()> {
    runtime::set_default("cpu")?;
    manual_seed(42);
    let model = Mamba::new(ModelArgs { d_state: 8, ..ModelArgs::new(16, 2, 6) })?;
    let optimizer =
        Optimizer::adam(&nn::parameters(&model), AdamOptions { lr: 0.02, ..AdamOptions::default() })?;
    let answers = |x: &Tensor| {
        let symbols = (0, SYMBOLS as usize);
        model.forward(x)?.shrink_axes(&[None, Some((LENGTH, LENGTH + HIDDEN)), Some(symbols)])
    };
    for _ in 0..90 {
        let (x, told) = stories(16)?;
        let loss = answers(&x)?.flatten_to(0, 1)?.cross_entropy(&told.flatten(0)?)?;
        optimizer.zero_grad();
        loss.backward()?;
        optimizer.step()?;
    }
    let (x, told) = stories(200)?;
    let right =
        no_grad(|| answers(&x)?.argmax(Some(-1), false)?.eq(&told)?.float()?.mean((), false))?.item()?;
    assert!(right > 0.9, "{right} of the symbols right");
    Ok(())
}

#[test]
fn kernels_of_the_scores_and_of_an_adam_step_only_go_down() -> Result<()> {
    runtime::set_default("null")?;
    let counted = |work: &dyn Fn() -> Result<()>| {
        let before = schedule::stats().kernels;
        work()?;
        Ok(schedule::stats().kernels - before)
    };
    let model = small();
    let optimizer = Optimizer::adam(&nn::parameters(&model), AdamOptions::default())?;
    let tokens = Tensor::from_slice(&[1; 2 * 24], &[2, 24])?;
    let scores = counted(&|| model.forward(&tokens)?.realize().map(drop))?;
    let step = counted(&|| {
        let out = model.forward(&tokens)?.flatten_to(0, 1)?;
        optimizer.zero_grad();
        out.cross_entropy(&tokens.flatten(0)?)?.backward()?;
        optimizer.step()
    })?;
    println!("{scores} kernels for the scores, {step} for a step");
    assert!(scores <= 14 && step <= 39, "{scores} kernels for the scores, {step} for a step");
    Ok(())
}

#[test]
fn mistakes_name_the_fix() -> Result<()> {
    runtime::set_default("cpu")?;
    let error = Mamba::new(ModelArgs { d_state: 0, ..ModelArgs::new(8, 1, 4) }).map(drop).unwrap_err();
    assert_eq!(
        (error.kind, error.to_string().contains("got d_state 0, expected at least 1")),
        (Kind::Argument, true)
    );
    let model = Mamba::new(ModelArgs::new(8, 1, 4))?;
    let one = model.forward(&Tensor::zeros(&[3])?.int()?).unwrap_err().to_string();
    assert!(one.contains("got input [3, 8], expected [batch, length, 8]"), "{one}");
    let floats = model.forward(&Tensor::zeros(&[1, 3])?).unwrap_err().to_string();
    assert!(floats.contains("integer"), "{floats}");
    Ok(())
}
