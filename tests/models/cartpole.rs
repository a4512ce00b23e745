use playgrad::{
    Kind, Result, Tensor,
    cartpole::CartPole,
    manual_seed,
    nn::{self, Linear, Module, Sequential},
    optim::{AdamOptions, Optimizer},
    runtime,
    tensor::{Slice, no_grad},
};

fn rows(values: &[[f32; 4]]) -> Tensor {
    Tensor::from_slice(values.as_flattened(), &[values.len(), 4]).unwrap()
}

/// The same equations in plain numbers, solved for both accelerations at once rather than one after the other.
fn after([x, v, angle, turning]: [f32; 4], push: f32) -> [f32; 4] {
    let (m, l, g, dt) = (0.1, 0.5, 9.8, 0.02);
    let (sin, cos) = angle.sin_cos();
    // (M + m)·a + m·l·cos·α = F + m·l·sin·ω², and cos·a + 4/3·l·α = g·sin
    let total = 1.1;
    let right = push + m * l * sin * turning * turning;
    let determinant = total * (4.0 / 3.0) * l - m * l * cos * cos;
    let a = ((4.0 / 3.0) * l * right - m * l * cos * g * sin) / determinant;
    let alpha = (total * g * sin - cos * right) / determinant;
    [x + dt * v, v + dt * a, angle + dt * turning, turning + dt * alpha]
}

#[test]
fn moves_as_the_equations_say() -> Result<()> {
    runtime::set_default("cpu")?;
    let world = CartPole::new(3)?;
    let begin = [[0.1, -0.4, 0.05, 0.3], [-1.0, 0.5, -0.1, -0.7], [0.0; 4]];
    world.state.assign(&rows(&begin))?;
    let end = world.step(&Tensor::from_slice(&[0, 1, 1], &[3])?)?;
    assert_eq!(end.to_vec::<f32>()?, [0.0; 3]);
    assert_eq!(world.age.to_vec::<f32>()?, [1.0; 3]);
    let expected = [0, 1, 2].map(|i| after(begin[i], if i == 0 { -10.0 } else { 10.0 }));
    for (got, expected) in world.state.to_vec::<f32>()?.iter().zip(expected.as_flattened()) {
        assert!((got - expected).abs() < 1e-5, "{got}, not {expected}");
    }
    Ok(())
}

#[test]
fn begins_anew_off_the_track_over_12_degrees_and_when_time_is_up() -> Result<()> {
    runtime::set_default("cpu")?;
    manual_seed(1);
    let world = CartPole::new(4)?;
    let begin = [[2.41, 0.0, 0.0, 0.0], [0.0, 0.0, -0.22, 0.0], [0.0; 4], [2.3, 0.0, 0.2, 0.0]];
    world.state.assign(&rows(&begin))?;
    world.age.assign(&Tensor::from_slice(&[6f32, 8.0, 499.0, 3.0], &[4])?)?;
    let end = world.step(&Tensor::zeros(&[4])?)?;
    assert_eq!(end.to_vec::<f32>()?, [1.0, 1.0, 2.0, 0.0]);
    assert_eq!(world.returns.to_vec::<f32>()?, [7.0, 9.0, 500.0, 0.0]);
    assert_eq!(world.age.to_vec::<f32>()?, [0.0, 0.0, 0.0, 4.0]);
    assert!(world.state.to_vec::<f32>()?[..12].iter().all(|value| value.abs() <= 0.05));
    let error = world.step(&Tensor::zeros(&[4, 1])?).unwrap_err();
    assert!(error.kind == Kind::Shape && error.expected.contains("[4]"), "{error}");
    Ok(())
}

/// REINFORCE: each push becomes likelier by how much longer than the others' its episode went on.
#[test]
fn a_policy_learns_to_balance_longer() -> Result<()> {
    runtime::set_default("cpu")?;
    manual_seed(1);
    let (carts, length) = (64, 40);
    let world = CartPole::new(carts)?;
    let policy = Sequential::default()
        .then(Linear::new(4, 32, true)?)
        .apply(Tensor::tanh)
        .then(Linear::new(32, 2, true)?)
        .apply(|scores| scores.log_softmax(-1));
    let optimizer =
        Optimizer::adam(&nn::parameters(&policy), AdamOptions { lr: 0.02, ..AdamOptions::default() })?;
    let mut means = Vec::new();
    for _ in 0..34 {
        let (mut seen, mut pushed, mut alive) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..length {
            let state = world.state.detach();
            let right = no_grad(|| policy.forward(&state)?.exp()?.slice(&[Slice::All, Slice::At(1)]))?;
            let push = Tensor::rand(&[carts])?.lt(right)?.int()?.realize()?;
            alive.push(world.step(&push)?.eq(0)?.float()?);
            seen.push(state);
            pushed.push(push);
        }
        let [seen, pushed, alive] = [seen, pushed, alive].map(|list| Tensor::stack(&list, 0).unwrap());
        let future = Tensor::scan(&alive.mul(0.97)?, &alive, 0, true)?;
        let better = future.sub(future.mean((), false)?)?.div(future.std((), false, 1)?)?.realize()?;
        let chance =
            policy.forward(&seen.realize()?)?.gather(-1, &pushed.unsqueeze(-1)?)?.squeeze(Some(-1))?;
        optimizer.zero_grad();
        chance.mul(better)?.mean((), false)?.neg()?.backward()?;
        optimizer.step()?;
        means.push(world.returns.mean((), false)?.item()?);
    }
    let best = means.iter().copied().fold(0.0, f64::max);
    println!("mean return {:.0} at first, {best:.0} at best", means[0]);
    assert!(means[0] < 30.0 && best > 120.0, "{means:?}");
    Ok(())
}
