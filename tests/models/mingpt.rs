use super::{same, stored};
use playgrad::{
    Kind, Result, Tensor, manual_seed,
    models::mingpt::{Gpt, GptOptions, SIZES, Sampling},
    nn::{self, Module},
    runtime,
    tensor::with_training,
};
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/mingpt.json")).expect("mingpt.json is JSON")
}

fn small() -> Result<Gpt> {
    let stored_values = reference();
    let size = |name: &str| stored_values["sizes"][name].as_u64().unwrap() as usize;
    let sizes = [size("n_layer"), size("n_head"), size("n_embd")];
    let model = Gpt::new(GptOptions::new(size("vocab_size"), size("block_size"), sizes))?;
    let state = stored_values["state"].as_object().unwrap();
    nn::load_state_dict(&model, &state.iter().map(|(name, x)| (name.clone(), stored(x))).collect(), true)?;
    Ok(model)
}

#[test]
fn logits_loss_and_gradients_are_pytorchs_from_its_state_dict() -> Result<()> {
    runtime::set_default("cpu")?;
    let (model, expected) = (small()?, reference());
    let tokens = stored(&expected["tokens"]).int()?;
    same("logits", &model.forward(&tokens)?, &expected["logits"]);
    let loss = model.loss(&tokens, &stored(&expected["targets"]).int()?)?;
    loss.backward()?;
    same("loss", &loss, &expected["loss"]);
    let own = nn::state_dict(&model);
    let gradients = expected["grads"].as_object().unwrap();
    assert!(own.keys().eq(gradients.keys()), "{:?}", own.keys());
    for (name, gradient) in gradients {
        same(name, &own[name].grad().unwrap(), gradient);
    }
    Ok(())
}

/// With the vocabulary and the block each was trained with; minGPT's own have what its sorting demo has. Of the
/// published sizes, GPT-2's are the checkpoints' numbers of weights, and the first GPT's is without the final norm.
#[test]
fn named_models_have_as_many_weights_as_published() -> Result<()> {
    let expected = [
        ("openai-gpt", (40_478, 512), 116_534_784 + 2 * 768),
        ("gpt2", (50_257, 1024), 124_439_808),
        ("gpt2-medium", (50_257, 1024), 354_823_168),
        ("gpt2-large", (50_257, 1024), 774_030_080),
        ("gpt2-xl", (50_257, 1024), 1_557_611_200),
        ("gopher-44m", (3, 11), 25_227_264),
        ("gpt-mini", (3, 11), 2_672_256),
        ("gpt-micro", (3, 11), 795_136),
        ("gpt-nano", (3, 11), 85_584),
    ];
    assert_eq!(expected.map(|(name, ..)| name), SIZES.map(|(name, _)| name));
    for (name, (vocabulary, block), count) in expected {
        assert_eq!(GptOptions::named(name, vocabulary, block)?.parameter_count(), count, "{name}");
    }
    runtime::set_default("cpu")?;
    for name in ["gpt-nano", "gpt-micro", "gpt-mini"] {
        let options = GptOptions::named(name, 100, 64)?;
        let made: usize = nn::parameters(&Gpt::new(options.clone())?).iter().map(Tensor::numel).sum();
        assert_eq!(made, options.parameter_count() + 100 * options.n_embd, "{name} and its head");
    }
    Ok(())
}

#[test]
fn writes_what_the_logits_of_the_whole_text_say_also_beyond_its_block() -> Result<()> {
    runtime::set_default("cpu")?;
    let model = small()?;
    let mut text = vec![3, 1, 4];
    for _ in 0..6 {
        let seen = &text[text.len().saturating_sub(6)..];
        let logits = model.forward(&Tensor::from_slice(seen, &[1, seen.len()])?)?.to_vec::<f32>()?;
        let last = &logits[logits.len() - 7..];
        text.push((0..7).max_by(|a, b| last[*a as usize].total_cmp(&last[*b as usize])).unwrap());
    }
    let start = Tensor::from_slice(&text[..3], &[1, 3])?;
    for sampling in [Sampling::Likeliest, Sampling::Drawn { temperature: 1.0, top_k: Some(1) }] {
        assert_eq!(model.generate(&start, 6, sampling)?.to_vec::<i32>()?, text);
    }
    manual_seed(1);
    let drawn = model.generate(&start, 40, Sampling::Drawn { temperature: 5.0, top_k: None })?;
    let drawn = drawn.to_vec::<i32>()?;
    assert!(drawn.len() == 43 && (0..7).all(|token| drawn.contains(&token)), "{drawn:?}");
    Ok(())
}

#[test]
fn learns_a_sequence_and_writes_it() -> Result<()> {
    runtime::set_default("cpu")?;
    manual_seed(1);
    let model = Gpt::new(GptOptions::new(4, 4, [1, 2, 16]))?;
    let optimizer = model.optimizer(1e-2)?;
    let rows = |row: [i32; 4]| Tensor::from_slice(&row.repeat(8), &[8, 4]);
    let (x, y) = (rows([0, 1, 2, 3])?, rows([1, 2, 3, 0])?);
    let step = || -> Result<f64> {
        let loss = with_training(true, || model.loss(&x, &y))?;
        optimizer.zero_grad();
        loss.backward()?;
        optimizer.step()?;
        loss.item()
    };
    let first = step()?;
    assert!((first - 4f64.ln()).abs() < 0.1, "{first}");
    for _ in 0..58 {
        step()?;
    }
    let last = step()?;
    assert!(last < 0.2, "{last}");
    let written = model.generate(&Tensor::from_slice(&[0], &[1, 1])?, 3, Sampling::Likeliest)?;
    assert_eq!(written.to_vec::<i32>()?, [0, 1, 2, 3]);
    Ok(())
}

#[test]
fn mistakes_name_the_fix() -> Result<()> {
    runtime::set_default("cpu")?;
    let name = GptOptions::named("gpt-5", 1, 1).unwrap_err();
    assert!(name.kind == Kind::Argument && name.expected.contains("gpt2-xl"), "{name}");
    for (sizes, got) in [([1, 3, 16], "3 heads for a width of 16"), ([0, 2, 16], "n_layer 0")] {
        let error = Gpt::new(GptOptions::new(4, 4, sizes)).map(drop).unwrap_err();
        assert_eq!((error.kind, error.got.as_str()), (Kind::Argument, got));
    }
    let model = Gpt::new(GptOptions::new(4, 4, [1, 2, 16]))?;
    for shape in [&[4][..], &[1, 5], &[1, 0]] {
        let error = model.forward(&Tensor::zeros(shape)?.int()?).unwrap_err();
        assert!(error.kind == Kind::Shape && error.expected.contains("1 to 4 tokens"), "{error}");
    }
    Ok(())
}
