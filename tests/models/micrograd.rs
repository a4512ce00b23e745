use playgrad::{
    Kind, Result, data,
    micrograd::{Mlp, Module, Value},
};

#[test]
fn has_the_numbers_of_micrograds_own_example() {
    let (a, b) = (Value::new(-4.0), Value::new(2.0));
    let c = &a + &b;
    let d = &a * &b + b.powf(3.0);
    let c = &c + (&c + 1.0);
    let c = &c + (1.0 + &c + -&a);
    let d = &d + (&d * 2.0 + (&b + &a).relu());
    let d = &d + (3.0 * &d + (&b - &a).relu());
    let f = (c - d).powf(2.0);
    let g = &f / 2.0 + 10.0 / &f;
    g.backward();
    for (got, expected) in [(g.data(), 24.7041), (a.grad(), 138.8338), (b.grad(), 645.5773)] {
        assert!((got - expected).abs() < 5e-5, "{got}, not {expected}");
    }
}

#[test]
fn has_the_slopes_of_tanh_exp_and_powers() {
    let f = |x: &Value| (2.0 - x.tanh()) / (x.exp() - 3.0) + x.powf(3.0) + x.powf(0.0);
    let x = Value::new(0.5);
    let y = f(&x);
    y.backward();
    let slope = (f(&Value::new(0.5 + 1e-6)).data() - y.data()) / 1e-6;
    assert!((x.grad() - slope).abs() < 1e-4, "{} is not {slope}", x.grad());
    let zero = Value::new(0.0);
    zero.powf(0.0).backward();
    assert_eq!(zero.grad(), 0.0);
}

#[test]
fn parts_the_moons_with_337_numbers() -> Result<()> {
    let moons = data::moons(100, 0.1, 1);
    let points: Vec<[f64; 2]> = moons.x.chunks(2).map(|p| [p[0].into(), p[1].into()]).collect();
    let sides: Vec<f64> = moons.labels.iter().map(|class| 2.0 * f64::from(*class) - 1.0).collect();
    let model = Mlp::new(2, &[16, 16, 1], 1337);
    let parameters = model.parameters();
    assert_eq!(parameters.len(), 337);
    assert!(parameters.iter().all(|p| p.data().abs() <= 1.0));
    let (mut last, mut right) = (0.0, 0);
    for step in 0..100 {
        let scores = points.iter().map(|p| Ok(model.forward(p)?.remove(0))).collect::<Result<Vec<_>>>()?;
        let margins = scores.iter().zip(&sides).map(|(score, side)| (1.0 - score * *side).relu());
        let squares: Value = parameters.iter().map(|p| p * p).sum();
        let loss = margins.sum::<Value>() / 100.0 + squares * 1e-4;
        model.zero_grad();
        loss.backward();
        for p in &parameters {
            p.set_data(p.data() - (1.0 - 0.009 * f64::from(step)) * p.grad());
        }
        last = loss.data();
        right = scores.iter().zip(&sides).filter(|(score, side)| score.data() * **side > 0.0).count();
    }
    println!("loss {last:.4}, {right} of 100");
    assert!(right == 100 && last < 0.015, "loss {last}, {right} of 100");
    Ok(())
}

#[test]
fn follows_its_seed_and_adds_gradients_up_until_they_are_set_to_0() -> Result<()> {
    let weights = |seed| Mlp::new(2, &[3, 1], seed).parameters().iter().map(Value::data).collect::<Vec<_>>();
    assert_eq!(weights(1), weights(1));
    assert_ne!(weights(1), weights(2));
    let model = Mlp::new(2, &[3, 1], 1);
    let gradients = || model.parameters().iter().map(Value::grad).collect::<Vec<_>>();
    model.forward(&[1.0, -2.0])?[0].backward();
    let once = gradients();
    model.forward(&[1.0, -2.0])?[0].backward();
    assert_eq!(gradients(), once.iter().map(|g| 2.0 * g).collect::<Vec<_>>());
    assert!(once.iter().any(|g| *g != 0.0));
    model.zero_grad();
    assert!(gradients().iter().all(|g| *g == 0.0));
    Ok(())
}

#[test]
fn refuses_a_wrong_number_of_inputs_and_bears_long_chains() {
    let error = Mlp::new(2, &[1], 1).forward(&[1.0]).unwrap_err();
    assert!(error.kind == Kind::Argument && error.got == "1 inputs", "{error}");
    let x = Value::new(1.0);
    let y = (0..300_000).fold(x.clone(), |y, _| y + &x);
    y.backward();
    assert_eq!((y.data(), x.grad()), (300_001.0, 300_001.0));
}
