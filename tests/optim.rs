//! Layers, optimizers and what a training step leaves behind.

use playgrad::{
    DType, Kind, Result, Tensor,
    graph::live_nodes,
    manual_seed,
    nn::{self, BatchNorm, Conv2d, Dropout, Embedding, LayerNorm, Linear, Module, Sequential},
    optim::{AdamOptions, Optimizer, SgdOptions},
    schedule::stats,
    tensor::{Conv2dOptions, live_tensors, realize_all, with_training},
};

fn f(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape).unwrap()
}

fn read(t: &Tensor) -> Vec<f32> {
    t.to_vec().unwrap()
}

fn close(got: &[f32], expected: &[f32]) {
    let near = got.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-5 + 1e-5 * b.abs());
    assert!(near && got.len() == expected.len(), "{got:?} is not {expected:?}");
}

/// Three steps on `w` with gradient `w · scale`, as plain arithmetic would do them.
fn three_steps(optimizer: impl Fn(&[Tensor]) -> Result<Optimizer>) -> Vec<f32> {
    let w = f(&[1.0, -2.0], &[2]);
    let optimizer = optimizer(std::slice::from_ref(&w)).unwrap();
    for _ in 0..3 {
        let loss = w.square().unwrap().mul(f(&[0.5, 1.5], &[2])).unwrap().sum((), false).unwrap();
        optimizer.zero_grad();
        loss.backward().unwrap();
        optimizer.step().unwrap();
    }
    read(&w)
}

fn by_hand(update: impl Fn(usize, f64, f64, &mut [f64; 2]) -> f64) -> Vec<f32> {
    [(1.0, 1.0), (-2.0, 3.0)]
        .into_iter()
        .map(|(start, slope)| {
            let (mut w, mut state): (f64, _) = (start, [0.0; 2]);
            for t in 1..=3 {
                w = update(t, w, slope * w, &mut state);
            }
            w as f32
        })
        .collect()
}

#[test]
fn sgd_follows_its_formula() {
    let plain = SgdOptions { lr: 0.1, ..SgdOptions::default() };
    close(&three_steps(|p| Optimizer::sgd(p, plain)), &by_hand(|_, w, g, _| w - 0.1 * g));
    for nesterov in [false, true] {
        let o = SgdOptions { lr: 0.1, momentum: 0.9, nesterov, weight_decay: 0.01, ..SgdOptions::default() };
        let expected = by_hand(|_, w, g, s| {
            let g = g + 0.01 * w;
            s[0] = 0.9 * s[0] + g;
            w - 0.1 * if nesterov { g + 0.9 * s[0] } else { s[0] }
        });
        close(&three_steps(|p| Optimizer::sgd(p, o)), &expected);
    }
}

#[test]
fn adam_and_adamw_follow_their_formulas() {
    let o = AdamOptions { lr: 0.1, weight_decay: 0.05, ..AdamOptions::default() };
    let adam = |decoupled: bool| {
        by_hand(|t, w, g, s| {
            let g = if decoupled { g } else { g + 0.05 * w };
            s[0] = 0.9 * s[0] + 0.1 * g;
            s[1] = 0.999 * s[1] + 0.001 * g * g;
            let (m, v) = (s[0] / (1.0 - 0.9f64.powi(t as i32)), s[1] / (1.0 - 0.999f64.powi(t as i32)));
            let w = if decoupled { w - 0.1 * 0.05 * w } else { w };
            w - 0.1 * m / (v.sqrt() + 1e-8)
        })
    };
    close(&three_steps(|p| Optimizer::adam(p, o)), &adam(false));
    close(&three_steps(|p| Optimizer::adamw(p, o)), &adam(true));
}

#[test]
fn the_learning_rate_changes_without_another_plan() {
    let w = f(&[1.0], &[1]);
    let optimizer = Optimizer::sgd(std::slice::from_ref(&w), SgdOptions::default()).unwrap();
    let step = |lr: f64| {
        optimizer.set_lr(lr);
        optimizer.zero_grad();
        w.sum((), false).unwrap().backward().unwrap();
        optimizer.step().unwrap();
        (read(&w)[0], stats().plans_compiled)
    };
    let (first, plans) = step(0.5);
    let (second, plans_after) = step(0.25);
    assert_eq!((first, second, plans), (0.5, 0.25, plans_after));
}

#[test]
fn values_of_the_last_step_can_be_read_and_older_ones_say_why_not() {
    let w = f(&[2.0], &[1]);
    let optimizer =
        Optimizer::sgd(std::slice::from_ref(&w), SgdOptions { lr: 0.5, ..SgdOptions::default() }).unwrap();
    let step = || {
        let prediction = w.mul(10).unwrap();
        let loss = prediction.sum((), false).unwrap();
        optimizer.zero_grad();
        loss.backward().unwrap();
        optimizer.step().unwrap();
        (prediction, loss)
    };
    let (prediction, loss) = step();
    assert_eq!((read(&prediction), read(&loss), read(&w)), (vec![20.0], vec![20.0], vec![-3.0]));
    let (unread, loss) = step();
    let kept = w.detach();
    step();
    step();
    assert_eq!(read(&loss), [-30.0]);
    assert_eq!(read(&kept), [-8.0]);
    let error = unread.to_vec::<f32>().unwrap_err();
    assert!(error.kind == Kind::Argument && error.fix.contains("before the next step"), "{error}");
}

#[test]
fn a_step_without_gradients_is_an_error() {
    let w = f(&[2.0], &[1]);
    let optimizer = Optimizer::adam(std::slice::from_ref(&w), AdamOptions::default()).unwrap();
    assert_eq!(optimizer.step().unwrap_err().kind, Kind::Argument);
    assert_eq!(Optimizer::adam(&[], AdamOptions::default()).err().unwrap().kind, Kind::Argument);
    let wrong = AdamOptions { betas: [0.9, 1.0], ..AdamOptions::default() };
    assert_eq!(Optimizer::adam(&[w], wrong).err().unwrap().kind, Kind::Argument);
}

#[test]
fn two_optimizers_may_share_a_parameter() {
    let w = [f(&[1.0], &[1])];
    let options = SgdOptions { lr: 0.1, ..SgdOptions::default() };
    let (a, b) = (Optimizer::sgd(&w, options).unwrap(), Optimizer::sgd(&w, options).unwrap());
    for _ in 0..4 {
        a.zero_grad();
        w[0].square().unwrap().sum((), false).unwrap().backward().unwrap();
        a.step().unwrap();
        b.step().unwrap();
    }
    close(&read(&w[0]), &[0.6f32.powi(4)]);
}

#[test]
fn batch_norm_moves_its_statistics_only_while_training() {
    let norm = BatchNorm::new(2, true, 1e-5, 0.1).unwrap();
    let x = f(&[1.0, 10.0, 3.0, 30.0, 5.0, 20.0, 7.0, 40.0], &[4, 2]);
    let y = with_training(true, || norm.forward(&x).unwrap());
    close(
        &read(&y),
        &[-1.3416394, -1.3416407, -0.4472131, 0.4472136, 0.4472131, -0.4472136, 1.3416394, 1.3416407],
    );
    close(&read(&norm.running_mean), &[0.4, 2.5]);
    close(&read(&norm.running_var), &[0.9 + 0.1 * 20.0 / 3.0, 0.9 + 0.1 * 500.0 / 3.0]);
    norm.forward(&x).unwrap();
    close(&read(&norm.running_mean), &[0.4, 2.5]);
    assert_eq!(norm.num_batches_tracked.to_vec::<i32>().unwrap(), [1]);
    assert_eq!(norm.forward(&f(&[0.0; 3], &[1, 3])).unwrap_err().kind, Kind::Shape);
}

#[test]
fn layer_norm_and_embedding() {
    let norm = LayerNorm::new(&[4], true, 1e-5).unwrap();
    let y = norm.forward(&f(&[1.0, 2.0, 3.0, 4.0], &[1, 4])).unwrap();
    close(&read(&y), &[-1.3416355, -0.4472118, 0.4472118, 1.3416355]);
    let table = Embedding::new(5, 3).unwrap();
    let rows = table.forward(&Tensor::from_slice(&[4i32, 0], &[2]).unwrap()).unwrap();
    let all = read(&table.weight);
    close(&read(&rows), &[&all[12..], &all[..3]].concat());
}

#[test]
fn layers_start_with_the_numbers_of_tinygrad() {
    manual_seed(7);
    let linear = Linear::new(3, 2, true).unwrap();
    close(&read(&linear.weight), &[-0.495982, -0.53919876, -0.32658285, -0.20250407, -0.5620659, 0.36939177]);
    close(&read(linear.bias.as_ref().unwrap()), &[-0.19500911, 0.4737629]);
    let conv = Conv2d::new(2, 2, &[2, 2], Conv2dOptions::default(), true).unwrap();
    close(&read(&conv.weight)[..4], &[0.12410004, -0.15965201, 0.08803751, -0.03984268]);
    close(&read(conv.bias.as_ref().unwrap()), &[0.24816848, 0.10077295]);
    let table = Embedding::new(3, 2).unwrap();
    close(&read(&table.weight), &[-0.5702677, -0.3639268, 0.17608906, 0.37004113, -0.45755103, -0.7439884]);
}

fn mlp() -> Sequential {
    Sequential::default()
        .then(Linear::new(2, 8, true).unwrap())
        .apply(|x| x.tanh())
        .then(Linear::new(8, 1, true).unwrap())
        .apply(|x| x.sigmoid())
}

#[test]
fn state_dicts_go_from_model_to_model() {
    let (a, b) = (mlp(), mlp());
    let x = f(&[0.3, -0.7], &[1, 2]);
    nn::load_state_dict(&b, &nn::state_dict(&a), true).unwrap();
    assert_eq!(read(&a.forward(&x).unwrap()), read(&b.forward(&x).unwrap()));
    assert_eq!(nn::parameters(&b).len(), 4);
    let mut dict = nn::state_dict(&a);
    let bias = dict.remove("0.bias").unwrap();
    dict.insert("extra".into(), bias);
    let error = nn::load_state_dict(&b, &dict, true).unwrap_err();
    assert!(error.got.contains("missing keys [0.bias], unexpected keys [extra]"), "{error}");
    let mut dict = nn::state_dict(&a);
    dict.insert("0.weight".into(), f(&[0.0; 4], &[2, 2]));
    assert!(nn::load_state_dict(&b, &dict, true).unwrap_err().got.contains("0.weight"));
}

/// A convolutional model with every kind of state, trained without ever being read.
#[test]
fn long_training_keeps_no_history() {
    manual_seed(1);
    let model = Sequential::default()
        .then(Conv2d::new(1, 3, &[3, 3], Conv2dOptions::default(), true).unwrap())
        .then(BatchNorm::new(3, true, 1e-5, 0.1).unwrap())
        .apply(|x| x.relu()?.max_pool2d(&[2, 2], Default::default())?.flatten(1))
        .then(Dropout { p: 0.3 })
        .then(Linear::new(12, 4, true).unwrap());
    let optimizer = Optimizer::adamw(&nn::parameters(&model), AdamOptions::default()).unwrap();
    let x = Tensor::rand(&[5, 1, 6, 6]).unwrap().realize().unwrap();
    let y = Tensor::from_slice(&[0i32, 1, 2, 3, 0], &[5]).unwrap();
    let mut seen = Vec::new();
    for _ in 0..40 {
        let loss = with_training(true, || model.forward(&x).unwrap().cross_entropy(&y).unwrap());
        optimizer.zero_grad();
        loss.backward().unwrap();
        optimizer.step().unwrap();
        drop(loss);
        seen.push((live_nodes(), live_tensors(), stats().plans_compiled));
    }
    assert_eq!(seen[10], seen[39], "nodes, tensors, plans: {seen:?}");
}

#[test]
fn one_value_may_be_wanted_many_times() {
    let x = f(&[1.0, 2.0], &[2]);
    let (a, b) = (x.add(1).unwrap(), x.add(1).unwrap());
    let (s, t) = (f(&[0.0; 2], &[2]), f(&[0.0; 2], &[2]));
    s.assign(&a).unwrap();
    s.assign(&s.mul(2).unwrap()).unwrap();
    t.assign(&s).unwrap();
    realize_all(&[a.clone(), b.clone(), a.clone()]).unwrap();
    assert_eq!((read(&a), read(&b)), (vec![2.0, 3.0], vec![2.0, 3.0]));
    assert_eq!((read(&s), read(&t)), (vec![4.0, 6.0], vec![4.0, 6.0]));
}

#[test]
fn running_statistics_do_not_grow_without_an_optimizer() {
    let norm = BatchNorm::new(2, false, 1e-5, 0.1).unwrap();
    let x = f(&[1.0, 2.0, 3.0, 4.0], &[2, 2]);
    let mut seen = Vec::new();
    for _ in 0..20 {
        let y = with_training(true, || norm.forward(&x).unwrap());
        y.sum((), false).unwrap().item().unwrap();
        seen.push(live_nodes());
    }
    assert_eq!(seen[5], seen[19], "{seen:?}");
}

#[test]
fn a_hand_written_update_is_a_new_leaf_each_time() {
    let w = f(&[1.0], &[1]);
    w.set_requires_grad(true).unwrap();
    let mut seen = Vec::new();
    for _ in 0..10 {
        let loss = w.square().unwrap().sum((), false).unwrap();
        assert!(loss.item().unwrap() > 0.0);
        w.set_grad(None);
        loss.backward().unwrap();
        w.assign(&w.sub(w.grad().unwrap().mul(0.1).unwrap()).unwrap()).unwrap();
        seen.push(live_nodes());
    }
    close(&read(&w), &[0.8f32.powi(10)]);
    assert_eq!(seen[3], seen[9], "{seen:?}");
}

#[test]
fn evaluation_dtype_and_switches() {
    assert!(!Tensor::training());
    with_training(true, || assert!(Tensor::training()));
    assert!(!Tensor::training());
    let norm = BatchNorm::new(2, true, 1e-5, 0.1).unwrap();
    assert_eq!(norm.num_batches_tracked.dtype(), DType::I32);
    assert_eq!(nn::parameters(&norm).len(), 2);
    assert_eq!(nn::state_dict(&norm).len(), 5);
}
