//! Work counts of a training step, from the null device: deterministic, and only to go down.

use playgrad::{
    models::{self, Counts, MODELS, OPTIMIZERS},
    schedule,
};

fn count(model: &str, optimizer: &str) -> Counts {
    let counts = models::count(model, optimizer, None).unwrap();
    println!("{model} {optimizer}: {counts:?}");
    counts
}

#[test]
fn kernels_of_an_adam_step() {
    for (model, most) in
        [("xor", 1), ("mnist-mlp", 8), ("mnist-cnn", 18), ("beautiful-mnist", 33), ("gpt-nano", 71)]
    {
        let counts = count(model, "adam");
        assert!(counts.kernels <= most, "{model}: {} kernels, at most {most}", counts.kernels);
    }
}

#[test]
fn parameters_are_what_the_layers_add_up_to() {
    let expected = [33, 101_770, 111_386, 87_850, 94_192];
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
