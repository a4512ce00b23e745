use playgrad::{
    DType, Kind, Result, Tensor, data, grad, manual_seed,
    minitf::{GradientDescentOptimizer, Graph, Operation, Session},
    runtime,
};

fn row(values: &[f32]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

#[test]
fn computes_what_is_asked_for_with_what_is_fed() -> Result<()> {
    runtime::set_default("cpu")?;
    let graph = Graph::default();
    let x = graph.placeholder("x");
    let doubled = x.multiply(&graph.constant(2.0)?)?;
    let left = graph.constant(Tensor::from_slice(&[1f32, 2.0], &[1, 2])?)?;
    let y = left.matmul(&doubled)?.add(&graph.constant(row(&[0.5]))?)?;
    let session = Session::new(&graph);
    let column = Tensor::from_slice(&[1f32, 3.0], &[2, 1])?;
    let [first, both] = session.run([&doubled, &y], &[(&x, &column)])?;
    assert_eq!(first.to_vec::<f32>()?, [2.0, 6.0]);
    assert_eq!(both.to_vec::<f32>()?, [14.5]);
    assert_eq!(y.value().unwrap().item()?, 14.5);
    let half = graph.constant(6)?.divide(&graph.constant(4)?)?.subtract(&graph.constant(1)?)?;
    let mean = graph.constant(row(&[-1.0, 3.0]))?.relu().square().reduce_mean(None);
    let table = graph.constant(Tensor::from_slice(&[1f32, 2.0, 3.0, 4.0], &[2, 2])?)?;
    let (sums, means) = (table.reduce_sum(Some(0)).negative(), table.log().softmax().reduce_mean(Some(1)));
    let [half, mean, sums, means] = session.run([&half, &mean, &sums, &means], &[])?;
    assert_eq!((half.item()?, mean.item()?), (0.5, 4.5));
    assert_eq!(sums.to_vec::<f32>()?, [-4.0, -6.0]);
    assert_eq!(means.to_vec::<f32>()?, [0.5, 0.5]);
    let [instead] = session.run([&y], &[(&doubled, &column)])?;
    assert_eq!(instead.item()?, 7.5, "fed in place of an operation, whose inputs then need no value");
    Ok(())
}

#[test]
fn finds_a_line() -> Result<()> {
    runtime::set_default("cpu")?;
    let graph = Graph::default();
    let (x, y) = (graph.placeholder("x"), graph.placeholder("y"));
    let (slope, start) = (graph.variable("slope", 0)?, graph.variable("start", 0)?);
    let loss = slope.multiply(&x)?.add(&start)?.subtract(&y)?.square().reduce_mean(None);
    let train = GradientDescentOptimizer { learning_rate: 0.1 }.minimize(&loss);
    let session = Session::new(&graph);
    let (xs, ys) = (row(&[-1.0, 0.0, 1.0, 2.0]), row(&[-1.2, 0.9, 3.1, 5.2]));
    for _ in 0..100 {
        session.run([&train], &[(&x, &xs), (&y, &ys)])?;
    }
    let found = [slope, start].map(|variable| variable.value().unwrap().item().unwrap());
    assert!((found[0] - 2.14).abs() < 5e-4 && (found[1] - 0.93).abs() < 5e-4, "{found:?}");
    Ok(())
}

#[test]
fn gives_the_loss_from_before_the_step_and_steps_only_what_a_loss_depends_on() -> Result<()> {
    runtime::set_default("cpu")?;
    let graph = Graph::default();
    let (a, b) = (graph.variable("a", 3.0)?, graph.variable("b", 5.0)?);
    let [of_a, of_b] = [&a, &b].map(|variable| variable.square());
    let optimizer = GradientDescentOptimizer { learning_rate: 0.25 };
    let [train_a, train_b] = [&of_a, &of_b].map(|loss| optimizer.minimize(loss));
    let session = Session::new(&graph);
    let [before, _, loss] = session.run([&train_a, &train_b, &of_a], &[])?;
    assert_eq!((before.item()?, loss.item()?), (9.0, 9.0));
    assert_eq!((a.value().unwrap().item()?, b.value().unwrap().item()?), (1.5, 2.5));
    let both = optimizer.minimize(&of_a.add(&of_b)?);
    session.run([&train_a, &both], &[])?;
    assert_eq!((a.value().unwrap().item()?, b.value().unwrap().item()?), (0.0, 1.25), "two steps of a");
    Ok(())
}

#[test]
fn trains_a_perceptron_to_part_two_clouds() -> Result<()> {
    runtime::set_default("cpu")?;
    manual_seed(1);
    let graph = Graph::default();
    let (x, classes) = (graph.placeholder("x"), graph.placeholder("classes"));
    let (w, b) = (graph.variable("W", Tensor::randn(&[2, 2])?)?, graph.variable("b", Tensor::randn(&[2])?)?);
    let guess = x.matmul(&w)?.add(&b)?.softmax();
    let loss = classes.multiply(&guess.log())?.reduce_sum(Some(1)).reduce_sum(None).negative();
    let train = GradientDescentOptimizer { learning_rate: 0.01 }.minimize(&loss);
    let session = Session::new(&graph);
    let clouds = [Tensor::randn(&[50, 2])?.add(2.0)?, Tensor::randn(&[50, 2])?.sub(2.0)?];
    let points = Tensor::cat(&clouds, 0)?.realize()?;
    let wanted = Tensor::arange(0.0, 100.0, 1.0, DType::I32)?.ge(50)?.int()?;
    let hot = wanted.one_hot(2)?.float()?;
    for _ in 0..100 {
        session.run([&train], &[(&x, &points), (&classes, &hot)])?;
    }
    let [answers] = session.run([&guess], &[(&x, &points)])?;
    let right = answers.argmax(Some(-1), false)?.eq(&wanted)?.sum((), false)?.item()?;
    assert!(right >= 98.0, "{right} of 100");
    Ok(())
}

#[test]
fn trains_an_mlp_on_xor_and_its_gradients_are_the_engines() -> Result<()> {
    runtime::set_default("cpu")?;
    manual_seed(1);
    let (points, labels) = data::xor().tensors()?;
    let wanted = labels.float()?.reshape(&[4, 1])?;
    let graph = Graph::default();
    let (x, y) = (graph.placeholder("x"), graph.placeholder("y"));
    let [w1, w2] = [[2, 8], [8, 1]].map(|shape| {
        graph.variable("w", Tensor::uniform(&shape, -1.0, 1.0).unwrap().realize().unwrap()).unwrap()
    });
    let b1 = graph.variable("b", Tensor::zeros(&[8])?)?;
    let guess = x.matmul(&w1)?.add(&b1)?.sigmoid().matmul(&w2)?.sigmoid();
    let loss = guess.subtract(&y)?.square().reduce_mean(None);
    let train = GradientDescentOptimizer { learning_rate: 5.0 }.minimize(&loss);
    let session = Session::new(&graph);
    let feed = [(&x, &points), (&y, &wanted)];
    let start = w2.value().unwrap();
    let hidden = points.matmul(&w1.value().unwrap())?.sigmoid()?;
    let slope = grad(&hidden.matmul(&start)?.sigmoid()?.mse(&wanted)?, &[&start])?.remove(0);
    session.run([&train], &feed)?;
    let apart = start.sub(w2.value().unwrap())?.div(5.0)?.sub(slope)?.abs()?.max((), false)?.item()?;
    assert!(apart < 1e-6, "{apart} apart");
    for _ in 0..1500 {
        session.run([&train], &feed)?;
    }
    let [loss] = session.run([&loss], &feed)?;
    assert!(loss.item()? < 0.01, "loss {}", loss.item()?);
    Ok(())
}

#[test]
fn takes_a_gradient_of_ones_own() -> Result<()> {
    runtime::set_default("cpu")?;
    let graph = Graph::default();
    let w = graph.variable("w", 3.0)?;
    let train = GradientDescentOptimizer { learning_rate: 1.0 }.minimize(&w.square());
    let session = Session::new(&graph);
    graph.register_gradient(Operation::Square, |g, _, inputs| Ok(vec![Some(g.mul(&inputs[0])?)]));
    session.run([&train], &[])?;
    assert_eq!(w.value().unwrap().item()?, 0.0);
    graph.register_gradient(Operation::Square, |_, _, _| Ok(Vec::new()));
    let error = session.run([&train], &[]).unwrap_err().to_string();
    assert!(error.contains("got 0 gradients, expected 1"), "{error}");
    Ok(())
}

#[test]
fn refuses_what_is_not_fed_does_not_fit_or_is_of_another_graph() -> Result<()> {
    runtime::set_default("cpu")?;
    let graph = Graph::default();
    let x = graph.placeholder("x");
    let w = graph.variable("w", Tensor::ones(&[2, 1])?)?;
    let loss = x.matmul(&w)?.square().reduce_sum(None);
    let train = GradientDescentOptimizer { learning_rate: 1.0 }.minimize(&loss);
    let session = Session::new(&graph);
    let missing = session.run([&train], &[]).unwrap_err();
    assert_eq!(missing.kind, Kind::Argument);
    assert!(missing.to_string().contains("got no value for the placeholder \"x\""), "{missing}");
    let misfit = session.run([&train], &[(&x, &Tensor::ones(&[3, 3])?)]).unwrap_err();
    assert_eq!((misfit.kind, misfit.op.as_str()), (Kind::Shape, "matmul"), "{misfit}");
    let many = GradientDescentOptimizer { learning_rate: 1.0 }.minimize(&x.matmul(&w)?);
    let many = session.run([&many], &[(&x, &Tensor::ones(&[3, 2])?)]).unwrap_err();
    assert!(many.kind == Kind::Shape && many.expected.contains("a scalar"), "{many}");
    assert_eq!(w.value().unwrap().to_vec::<f32>()?, [1.0, 1.0], "nothing has changed");

    let y = Graph::default().placeholder("y");
    let one = Tensor::ones(&[1])?;
    for error in [
        session.run([&y], &[]).unwrap_err(),
        session.run([&x], &[(&y, &one)]).unwrap_err(),
        x.add(&y).unwrap_err(),
    ] {
        assert_eq!((error.kind, error.got.as_str()), (Kind::Argument, "placeholder \"y\" of another graph"));
    }
    Ok(())
}
