//! A captured step does what the plain step does, step for step.

use playgrad::{
    Tensor, manual_seed,
    nn::{self, BatchNorm, Dropout, Func, Linear, Module, Sequential},
    optim::{AdamOptions, Optimizer},
    runtime, schedule,
    schedule::capture,
    tensor::with_training,
};

struct Setup {
    model: Sequential,
    optimizer: Optimizer,
}

fn setup() -> Setup {
    runtime::set_default("cpu").unwrap();
    manual_seed(7);
    let model = Sequential::default()
        .then(Linear::new(6, 16, true).unwrap())
        .then(BatchNorm::new(16, true, 1e-5, 0.1).unwrap())
        .then(Func(|x: &Tensor| x.tanh()))
        .then(Dropout { p: 0.25 })
        .then(Linear::new(16, 3, true).unwrap());
    let optimizer = Optimizer::adam(&nn::parameters(&model), AdamOptions::default()).unwrap();
    Setup { model, optimizer }
}

fn batch(i: usize) -> (Tensor, Tensor) {
    let x: Vec<f32> = (0..8 * 6).map(|j| ((i * 31 + j * 7) % 23) as f32 / 11.0 - 1.0).collect();
    let y: Vec<i32> = (0..8).map(|j| ((i + j) % 3) as i32).collect();
    (Tensor::from_slice(&x, &[8, 6]).unwrap(), Tensor::from_slice(&y, &[8]).unwrap())
}

impl Setup {
    fn step(&self, x: &Tensor, y: &Tensor) -> Tensor {
        with_training(true, || {
            let loss = self.model.forward(x).unwrap().cross_entropy(y).unwrap();
            self.optimizer.zero_grad();
            loss.backward().unwrap();
            self.optimizer.step().unwrap();
            loss
        })
    }

    fn state(&self) -> Vec<f32> {
        let tensors = self.model.tensors().into_iter().map(|(_, t)| t.float().unwrap());
        tensors.flat_map(|t| t.to_vec::<f32>().unwrap()).collect()
    }
}

#[test]
fn replays_equal_plain_steps() {
    let steps = 12;
    let plain = setup();
    let want: Vec<f64> = (0..steps)
        .map(|i| {
            let (x, y) = batch(i);
            plain.step(&x, &y).item().unwrap()
        })
        .collect();
    let want_state = plain.state();

    let captured = setup();
    let mut recorded = None;
    let mut got = Vec::new();
    for i in 0..steps {
        let (x, y) = batch(i);
        let args = [x.node(), y.node()];
        let loss = match (&recorded, i) {
            (Some(step), _) => {
                let step: &capture::Capture = step;
                Tensor::from_node(step.replay(&args).unwrap().remove(0))
            }
            (None, 0) => captured.step(&x, &y),
            (None, _) => {
                playgrad::tensor::realize_all(&[x.clone(), y.clone()]).unwrap();
                capture::begin().unwrap();
                let loss = captured.step(&x, &y);
                recorded = Some(playgrad::tensor::finish_capture(&[x.node(), y.node()], &[loss.node()]));
                loss
            }
        };
        got.push(loss.item().unwrap());
    }
    assert_eq!(got, want);
    assert_eq!(captured.state(), want_state);
}

#[test]
fn a_replay_builds_no_graph_and_compiles_nothing() {
    let s = setup();
    let (x, y) = batch(0);
    s.step(&x, &y);
    playgrad::tensor::realize_all(&[x.clone(), y.clone()]).unwrap();
    capture::begin().unwrap();
    let loss = s.step(&x, &y);
    let step = playgrad::tensor::finish_capture(&[x.node(), y.node()], &[loss.node()]);
    drop(step.replay(&[x.node(), y.node()]).unwrap());
    let (nodes, stats) = (playgrad::graph::live_nodes(), schedule::stats());
    for _ in 0..20 {
        drop(step.replay(&[x.node(), y.node()]).unwrap());
    }
    assert_eq!(playgrad::graph::live_nodes(), nodes);
    let after = schedule::stats();
    assert_eq!((after.plans_compiled, after.plan_hits), (stats.plans_compiled, stats.plan_hits));
}

#[test]
fn several_steps_in_one_call_equal_single_ones() {
    let record = |s: &Setup, x: &Tensor, y: &Tensor| {
        s.step(x, y);
        playgrad::tensor::realize_all(&[x.clone(), y.clone()]).unwrap();
        capture::begin().unwrap();
        let loss = s.step(x, y);
        let logits = s.model.forward(x).unwrap().realize().unwrap();
        playgrad::tensor::finish_capture(&[x.node(), y.node()], &[loss.node(), logits.node(), y.node()])
    };
    let (x, y) = batch(0);
    let plain = setup();
    let step = record(&plain, &x, &y);
    let mut want = Vec::new();
    let mut logits = Vec::new();
    for _ in 0..5 {
        let made = step.replay(&[x.node(), y.node()]).unwrap();
        want.push(Tensor::from_node(made[0].clone()).item().unwrap() as f32);
        logits = Tensor::from_node(made[1].clone()).to_vec::<f32>().unwrap();
    }
    let stacked = setup();
    let step = record(&stacked, &x, &y);
    let made = step.replay_n(&[x.node(), y.node()], 5).unwrap();
    assert_eq!(Tensor::from_node(made[0].clone()).to_vec::<f32>().unwrap(), want);
    assert_eq!(Tensor::from_node(made[1].clone()).to_vec::<f32>().unwrap(), logits);
    assert_eq!(made[2], y.node());
    assert_eq!(stacked.state(), plain.state());
    assert!(step.replay_n(&[x.node(), y.node()], 0).unwrap_err().to_string().contains("at least one"));
}

/// More steps than an optimizer keeps weights of, towards a target from the weights before.
#[test]
fn a_captured_call_may_take_many_optimizer_steps() {
    let (x, y) = batch(0);
    let call = |s: &Setup| {
        let target = s.model.forward(&x).unwrap().detach().realize().unwrap();
        let losses: Vec<Tensor> = (0..5).map(|_| s.step(&x, &y)).collect();
        Tensor::stack(&losses, 0)
            .unwrap()
            .add(target.reshape(&[24]).unwrap().mean(0, false).unwrap())
            .unwrap()
            .realize()
            .unwrap()
    };
    let plain = setup();
    let want: Vec<Vec<f32>> = (0..4).map(|_| call(&plain).to_vec().unwrap()).collect();

    let captured = setup();
    let mut got = vec![call(&captured).to_vec::<f32>().unwrap()];
    playgrad::tensor::realize_all(&[x.clone(), y.clone()]).unwrap();
    capture::begin().unwrap();
    let out = call(&captured);
    let step = playgrad::tensor::finish_capture(&[], &[out.node()]);
    got.push(out.to_vec().unwrap());
    for _ in 2..4 {
        got.push(Tensor::from_node(step.replay(&[]).unwrap().remove(0)).to_vec().unwrap());
    }
    assert_eq!(got, want);
    assert_eq!(captured.state(), plain.state());
}

#[test]
fn a_jit_inside_a_jit_is_an_error() {
    capture::begin().unwrap();
    assert!(capture::begin().unwrap_err().to_string().contains("one jit at a time"));
    capture::abandon();
    capture::begin().unwrap();
    capture::abandon();
}

/// An evaluation reads weights that another step changes.
#[test]
fn a_step_reads_weights_as_they_are_when_it_runs() {
    let s = setup();
    let (x, y) = batch(0);
    s.step(&x, &y);
    playgrad::tensor::realize_all(std::slice::from_ref(&x)).unwrap();
    let plain = || s.model.forward(&x).unwrap().to_vec::<f32>().unwrap();
    capture::begin().unwrap();
    let out = s.model.forward(&x).unwrap().realize().unwrap();
    let evaluation = playgrad::tensor::finish_capture(&[], &[out.node()]);
    let mut before = out.to_vec::<f32>().unwrap();
    for _ in 0..4 {
        s.step(&x, &y);
        let now = Tensor::from_node(evaluation.replay(&[]).unwrap().remove(0)).to_vec::<f32>().unwrap();
        assert_ne!(now, before);
        assert_eq!(now, plain());
        before = now;
    }
    x.assign(&x.mul(2.0).unwrap()).unwrap();
    assert_eq!(
        Tensor::from_node(evaluation.replay(&[]).unwrap().remove(0)).to_vec::<f32>().unwrap(),
        plain()
    );
}
