//! Work counts of a training step, from the null device: deterministic, and only to go down.

use playgrad::{
    Tensor, grad,
    models::{self, Counts, MODELS, OPTIMIZERS},
    runtime, schedule,
};

fn count(model: &str, optimizer: &str) -> Counts {
    let counts = models::count(model, optimizer, None).unwrap();
    println!("{model} {optimizer}: {counts:?}");
    counts
}

#[test]
fn kernels_of_an_adam_step() {
    for (model, most) in [
        ("xor", 1),
        ("mnist-mlp", 8),
        ("mnist-cnn", 18),
        ("beautiful-mnist", 33),
        ("gpt-nano", 71),
        ("gpt-mini", 153),
    ] {
        let counts = count(model, "adam");
        assert!(counts.kernels <= most, "{model}: {} kernels, at most {most}", counts.kernels);
    }
}

#[test]
fn parameters_are_what_the_layers_add_up_to() {
    let expected = [33, 101_770, 111_386, 87_850, 94_192, 2_706_496];
    for (model, params) in MODELS.into_iter().zip(expected) {
        assert_eq!(count(model, "sgd").params, params, "{model}");
    }
}

#[test]
fn counts_repeat_and_steps_reuse_their_plan() {
    for optimizer in OPTIMIZERS {
        let first = count("mnist-cnn", optimizer);
        assert!(first.flops > 0 && first.bytes > 0 && first.peak_bytes > 0, "{first:?}");
        let compiled = schedule::stats().plans_compiled;
        assert_eq!(count("mnist-cnn", optimizer).kernels, first.kernels);
        assert_eq!(
            schedule::stats().plans_compiled,
            compiled,
            "{optimizer}: the same step was planned twice"
        );
    }
}

#[test]
fn a_larger_batch_costs_more_work_in_the_same_kernels() {
    let [small, large] = [64, 128].map(|batch| models::count("mnist-mlp", "adam", Some(batch)).unwrap());
    assert_eq!(small.kernels, large.kernels);
    assert!(small.flops < large.flops && small.bytes < large.bytes);
}

/// Kernels of computing `of` on a device.
fn kernels_of(device: &str, of: Tensor) -> u64 {
    runtime::set_default(device).unwrap();
    let before = schedule::stats().kernels;
    of.realize().unwrap();
    schedule::stats().kernels - before
}

#[test]
fn recurrences_take_the_work_around_them_into_their_kernel() {
    runtime::set_default("null").unwrap();
    let ones = |shape: &[usize]| Tensor::ones(shape).unwrap().contiguous();
    let (b, l, d, n) = (2, 64, 16, 4);
    let (delta, u, a) = (ones(&[b, l, d, 1]), ones(&[b, l, d, 1]), ones(&[d, n]));
    let (from, to) = (ones(&[b, l, 1, n]), ones(&[b, l, 1, n]));
    playgrad::tensor::realize_all(&[delta.clone(), u.clone(), a.clone(), from.clone(), to.clone()]).unwrap();
    let selective = || {
        let decay = delta.mul(a.exp()?.neg()?)?.exp()?;
        Tensor::scan(&decay, &delta.mul(&u)?.mul(&from)?, 1, false)
    };
    assert_eq!(kernels_of("null", selective().unwrap()), 1, "states of a selective scan");
    assert_eq!(kernels_of("null", selective().unwrap().mul(&to).unwrap().silu().unwrap()), 1, "and after");
    assert_eq!(kernels_of("null", selective().unwrap().mul(&to).unwrap().sum(3, false).unwrap()), 2);

    let x = ones(&[100, 300]);
    x.realize().unwrap();
    assert_eq!(kernels_of("null", x.shrink(&[(0, 100), (0, 200)]).unwrap().cumsum(1).unwrap()), 1);
    assert_eq!(kernels_of("null", x.softmax(0).unwrap().cumsum(0).unwrap()), 1, "of a softmax");
    assert_eq!(kernels_of("null", x.cumsum(1).unwrap()), 3, "in blocks: few rows for a GPU");
}

#[test]
fn a_running_sum_is_one_kernel_on_the_cpu() {
    runtime::set_default("cpu").unwrap();
    let x = Tensor::from_slice(&[1.0f32; 3000], &[3, 1000]).unwrap();
    assert_eq!(kernels_of("cpu", x.mul(2.0).unwrap().cumsum(1).unwrap().add(1.0).unwrap()), 1);
    assert_eq!(kernels_of("cpu", x.cumprod(0).unwrap().relu().unwrap()), 1);
}

#[test]
fn a_selective_scan_is_one_kernel_each_way_and_linear_in_length() {
    runtime::set_default("null").unwrap();
    let (batch, channels, state) = (2, 16, 4);
    // Kernels, operations and bytes of the states alone, and of the states with the gradients of both inputs.
    let work = |length: usize| {
        let shape = [batch, length, channels, state];
        let [keep, add, weights] = [0; 3].map(|_| Tensor::ones(&shape).unwrap().contiguous());
        playgrad::tensor::realize_all(&[keep.clone(), add.clone(), weights.clone()]).unwrap();
        let counted = |of: &dyn Fn(&Tensor) -> Vec<Tensor>| {
            let states = Tensor::scan(&keep, &add, 1, false).unwrap();
            let before = schedule::stats();
            playgrad::tensor::realize_all(&of(&states)).unwrap();
            let after = schedule::stats();
            (after.kernels - before.kernels, after.flops - before.flops, after.bytes - before.bytes)
        };
        let forward = counted(&|states| vec![states.clone()]);
        let both = counted(&|states| {
            let loss = states.mul(&weights).unwrap().sum((), false).unwrap();
            let gradients = grad(&loss, &[&keep, &add]).unwrap();
            [vec![states.clone()], gradients].concat()
        });
        (forward, both)
    };
    let (forward, both) = work(64);
    assert_eq!((forward.0, both.0), (1, 2), "kernels: the states, and with them their gradients");
    let (forward2, both2) = work(128);
    assert_eq!((forward2.0, both2.0), (1, 2), "kernels at twice the length");
    for (short, long) in [(forward, forward2), (both, both2)] {
        assert_eq!((long.1, long.2), (2 * short.1, 2 * short.2), "operations and bytes at twice the length");
    }
}
