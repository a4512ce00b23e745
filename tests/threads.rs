//! Any number of threads gives the same bits. The number is fixed when a process starts, so each has its own.

use playgrad::{
    data,
    error::Result,
    manual_seed,
    models::Model,
    runtime::{self, cpu::pool},
    tensor::Tensor,
};
use std::{env, panic::catch_unwind, process::Command, sync::Mutex};

fn digest(values: &[f32]) -> u64 {
    values
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |h, v| (h ^ u64::from(v.to_bits())).wrapping_mul(0x100_0000_01b3))
}

/// Every kind of kernel, large enough to be split.
fn kernels() -> Result<Vec<(&'static str, Tensor)>> {
    manual_seed(3);
    let (x, y) = (Tensor::randn(&[300, 700])?, Tensor::randn(&[700, 330])?);
    let (images, filters) = (Tensor::randn(&[6, 3, 40, 40])?, Tensor::randn(&[20, 3, 5, 5])?);
    let ids = Tensor::randint(&[900], 0, 300)?;
    Ok(vec![
        ("map", x.sin()?.mul(x.exp()?)?),
        ("bool", x.gt(0.5)?.float()?),
        ("transposed", x.transpose(0, 1)?.contiguous().add(1.0)?),
        ("rows", x.sum(1, false)?),
        ("columns", x.sum(0, false)?),
        ("softmax", x.softmax(-1)?),
        ("layernorm", x.layer_norm(1, 1e-5)?),
        ("matmul", x.matmul(&y)?.relu()?),
        ("batched", x.reshape(&[3, 100, 700])?.matmul(&y)?),
        ("deep", x.reshape(&[21_000, 10])?.t().matmul(&x.reshape(&[21_000, 10])?)?),
        ("tall", x.matmul(&y.shrink(&[(0, 700), (0, 10)])?)?),
        ("conv", images.conv2d(&filters, None, Default::default())?),
        ("gather", x.index(&ids)?),
    ])
}

fn training() -> Result<f64> {
    manual_seed(42);
    let digits = data::digits(50, 3).tensors()?;
    let mut model = Model::new("mnist-cnn")?;
    model.batch = Some(16);
    let optimizer = model.optimizer("adam", None)?;
    (0..2).try_for_each(|_| model.step(&optimizer, &digits.0, &digits.1)?.item().map(drop))?;
    model.step(&optimizer, &digits.0, &digits.1)?.item()
}

#[test]
fn results_of_this_process() -> Result<()> {
    runtime::set_default("cpu")?;
    println!("digest: threads {}", pool::threads());
    for (name, result) in kernels()? {
        println!("digest: {name} {:x}", digest(&result.to_vec::<f32>()?));
    }
    println!("digest: training {:x}", training()?.to_bits());
    Ok(())
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let run = |threads: usize| {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "results_of_this_process", "--nocapture"]);
        let out = child.env("PLAYGRAD_THREADS", threads.to_string()).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let lines = text.lines().filter_map(|l| Some(l.split_once("digest: ")?.1.to_string()));
        let mut lines: Vec<String> = lines.collect();
        assert_eq!(lines.remove(0), format!("threads {threads}"));
        lines
    };
    let one = run(1);
    assert_eq!(one.len(), 14);
    for threads in [2, 3, 5] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}

#[test]
fn every_part_runs_once_whoever_asks() {
    let ask = || {
        for count in [0, 1, 2, 7, 1000] {
            let seen = Mutex::new(vec![0; count]);
            pool::parallel(count, &|i| seen.lock().unwrap()[i] += 1);
            assert!(seen.into_inner().unwrap().iter().all(|n| *n == 1));
        }
    };
    std::thread::scope(|s| (0..4).for_each(|_| drop(s.spawn(ask))));
}

#[test]
fn a_panic_in_a_part_ends_the_job_and_not_the_pool() {
    for _ in 0..20 {
        let all = catch_unwind(|| pool::parallel(64, &|i| assert!(i != 40, "on purpose")));
        assert!(all.is_err());
        let sum = Mutex::new(0);
        pool::parallel(64, &|i| *sum.lock().unwrap() += i);
        assert_eq!(sum.into_inner().unwrap(), 63 * 64 / 2);
    }
}
