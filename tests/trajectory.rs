//! Optimizers and schedules against PyTorch and tinygrad, step by step: tests/reference/optim.py made the numbers.

use playgrad::{
    DType, Kind, Result, Tensor,
    optim::{
        AdamOptions, Optimizer, Plateau, Policy, Schedule, Settings, SgdOptions, clip_grad_norm,
        clip_grad_value,
    },
    runtime,
    schedule::{capture, stats},
};
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/optim.json")).expect("optim.json is JSON")
}

fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        Value::Bool(on) => vec![f64::from(u8::from(*on))],
        other => vec![other.as_f64().expect("a number")],
    }
}

fn tensor(v: &Value) -> Tensor {
    let values: Vec<f32> = numbers(v).iter().map(|x| *x as f32).collect();
    let rows = v.as_array().expect("an array").len();
    let shape = if v[0].is_array() { vec![rows, values.len() / rows] } else { vec![rows] };
    Tensor::from_slice(&values, &shape).unwrap()
}

/// The names and numbers of an object, a list's name once for each number.
fn flat(settings: &[&Value]) -> (Vec<String>, Vec<f64>) {
    let mut all: Vec<(&String, &Value)> = Vec::new();
    for (name, value) in settings.iter().flat_map(|s| s.as_object().expect("settings")) {
        all.retain(|(n, _)| *n != name);
        all.push((name, value));
    }
    let pairs = all.iter().flat_map(|(name, v)| numbers(v).into_iter().map(|x| ((*name).clone(), x)));
    pairs.unzip()
}

fn named(params: &[Tensor], name: &str, settings: &[&Value]) -> Result<Optimizer> {
    let (names, values) = flat(settings);
    Optimizer::named(params, &Settings::new(name, &names, &values))
}

struct Run {
    w: Tensor,
    b: Tensor,
    x: Tensor,
    y: Tensor,
    optimizer: Optimizer,
}

impl Run {
    fn new(all: &Value, row: &Value) -> Result<Run> {
        let [w, b, x, y] = ["w", "b", "x", "y"].map(|name| tensor(&all[name]));
        let (kind, settings) = (row["optimizer"].as_str().unwrap(), &row["settings"]);
        let params = if row["frozen"] == true { vec![w.clone()] } else { vec![w.clone(), b.clone()] };
        let optimizer = match row["groups"].as_array() {
            None => named(&params, kind, &[settings])?,
            Some(own) => {
                let group =
                    |(p, own): (&Tensor, &Value)| named(std::slice::from_ref(p), kind, &[settings, own]);
                let parts = params.iter().zip(own).map(group).collect::<Result<Vec<_>>>()?;
                Optimizer::group(&parts.iter().collect::<Vec<_>>())?
            }
        };
        Ok(Run { w, b, x, y, optimizer })
    }

    /// One step; the norm of the gradients where they are clipped by it.
    fn step(&self, row: &Value) -> Result<Option<Tensor>> {
        self.optimizer.zero_grad();
        let out = self.x.linear(&self.w.t(), Some(&self.b))?.tanh()?;
        let loss = out.sub(&self.y)?.square()?.mean((), false)?;
        loss.backward()?;
        let both = [self.w.clone(), self.b.clone()];
        let norm = match row["clip_norm"].as_array() {
            Some(given) => {
                let [max, kind] = [0, 1].map(|i| given[i].as_str().unwrap().parse::<f64>().unwrap());
                Some(clip_grad_norm(&both, max, kind)?)
            }
            None => None,
        };
        if let Some(limit) = row["clip_value"].as_f64() {
            clip_grad_value(&both, limit)?;
        }
        self.optimizer.step()?;
        Ok(norm)
    }

    fn weights(&self) -> Result<Vec<f64>> {
        let values = [self.w.to_vec::<f32>()?, self.b.to_vec::<f32>()?].concat();
        Ok(values.into_iter().map(f64::from).collect())
    }
}

fn check(name: &str, got: &[f64], expected: &[f64], absolute: f64) {
    assert_eq!(got.len(), expected.len(), "{name}");
    for (a, b) in got.iter().zip(expected) {
        assert!((a - b).abs() <= absolute + 1e-4 * b.abs(), "{name}: {got:?} is not {expected:?}");
    }
}

fn follow(all: &Value) -> Result<usize> {
    let (rows, steps) = (all["trajectories"].as_array().unwrap(), all["steps"].as_u64().unwrap());
    for row in rows {
        let name = format!("{} {} {}", row["source"], row["optimizer"], row["settings"]);
        // PyTorch's Muon iterates in bfloat16.
        let bfloat = row["source"] == "torch" && row["optimizer"] == "Muon";
        let absolute = if bfloat { 0.02 } else { 2e-6 };
        let run = Run::new(all, row)?;
        for step in 1..=steps as usize {
            let norm = run.step(row)?;
            if let Some(norm) = norm {
                let plans = stats().plan_hits + stats().plans_compiled;
                check(&name, &[norm.item()?], &[numbers(&row["norms"][step - 1])[0]], 1e-6);
                let after = stats().plan_hits + stats().plans_compiled;
                assert_eq!(plans, after, "{name}: the norm was not computed with the step");
            }
            if step == 1 {
                check(&name, &run.weights()?, &numbers(&row["first"]), absolute);
            }
        }
        check(&name, &run.weights()?, &numbers(&row["last"]), absolute);
    }
    Ok(rows.len())
}

#[test]
fn optimizers_follow_pytorch_and_tinygrad() {
    let all = reference();
    for device in ["cpu", "vulkan", "metal"] {
        match runtime::set_default(device) {
            Ok(()) => println!("{device}: {} trajectories", follow(&all).unwrap()),
            Err(why) => println!("{device}: skipped, {why}"),
        }
    }
}

fn plain(lr: f64) -> Optimizer {
    let w = Tensor::from_slice(&[1f32], &[1]).unwrap();
    Optimizer::sgd(&[w], SgdOptions { lr, ..SgdOptions::default() }).unwrap()
}

#[test]
fn schedules_follow_pytorch() {
    let all = reference();
    let metrics = numbers(&all["metrics"]);
    for row in all["schedules"].as_array().unwrap() {
        let (names, values) = flat(&[&row["settings"]]);
        let kind = row["schedule"].as_str().unwrap();
        let settings = Settings::new(kind, &names, &values);
        let optimizer = plain(0.1);
        let mut seen = vec![];
        if kind == "ReduceLROnPlateau" {
            let schedule = Plateau::named(&optimizer, &settings).unwrap();
            for metric in &metrics {
                seen.push(optimizer.lr());
                schedule.step(*metric);
            }
        } else {
            let schedule = Schedule::named(&optimizer, &settings).unwrap();
            for _ in &metrics {
                seen.push(optimizer.lr());
                schedule.step();
            }
        }
        seen.push(optimizer.lr());
        let expected = numbers(&row["rates"]);
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-7;
        let same = seen.len() == expected.len() && seen.iter().zip(&expected).all(near);
        assert!(same, "{kind} {}: {seen:?} is not {expected:?}", row["settings"]);
    }
}

#[test]
fn a_schedule_scales_each_group_and_goes_on_from_its_state() {
    let (a, b) = (plain(0.1), plain(1.0));
    let both = Optimizer::group(&[&a, &b]).unwrap();
    let schedule = Schedule::new(&both, Policy::Exponential { gamma: 0.5 }).unwrap();
    schedule.step();
    schedule.step();
    assert_eq!((a.lr(), b.lr()), (0.025, 0.25));
    let state = schedule.state();
    let (c, d) = (plain(7.0), plain(7.0));
    let again =
        Schedule::new(&Optimizer::group(&[&c, &d]).unwrap(), Policy::Exponential { gamma: 0.5 }).unwrap();
    again.load_state(&state).unwrap();
    again.step();
    assert_eq!((c.lr(), d.lr()), (0.0125, 0.125));
    assert_eq!(again.load_state(&[1.0]).unwrap_err().kind, Kind::Argument);
}

#[test]
fn a_schedule_inside_a_captured_step_moves_at_every_replay() {
    let w = Tensor::from_slice(&[0f32], &[1]).unwrap();
    let options = SgdOptions { lr: 1.0, ..SgdOptions::default() };
    let optimizer = Optimizer::sgd(std::slice::from_ref(&w), options).unwrap();
    let schedule = Schedule::new(&optimizer, Policy::Exponential { gamma: 0.5 }).unwrap();
    let step = || {
        optimizer.zero_grad();
        w.sum((), false).unwrap().backward().unwrap();
        optimizer.step().unwrap();
        schedule.step();
    };
    step();
    capture::begin().unwrap();
    step();
    let captured = playgrad::tensor::finish_capture(&[], &[]);
    captured.replay(&[]).unwrap();
    captured.replay_n(&[], 2).unwrap();
    assert_eq!(optimizer.lr(), 1.0 / 32.0);
    assert_eq!(w.to_vec::<f32>().unwrap(), [-(1.0 + 0.5 + 0.25 + 0.125 + 0.0625)]);
}

#[test]
fn an_optimizer_goes_on_from_its_state() {
    let all = reference();
    for kind in ["SGD", "Adam", "LAMB", "Muon"] {
        let row = |lr: f64| {
            let settings = match kind {
                "SGD" => serde_json::json!({ "lr": lr, "momentum": 0.9 }),
                _ => serde_json::json!({ "lr": lr }),
            };
            serde_json::json!({ "optimizer": kind, "settings": settings })
        };
        let (row, other) = (row(0.05), row(9.0));
        let (whole, first) = (Run::new(&all, &row).unwrap(), Run::new(&all, &row).unwrap());
        (0..5).for_each(|_| drop(whole.step(&row).unwrap()));
        (0..3).for_each(|_| drop(first.step(&row).unwrap()));
        let rest = Run::new(&all, &other).unwrap();
        rest.w.assign(&first.w).unwrap();
        rest.b.assign(&first.b).unwrap();
        let mut state = first.optimizer.state_dict().unwrap();
        rest.optimizer.load_state_dict(&state).unwrap();
        (0..2).for_each(|_| drop(rest.step(&row).unwrap()));
        check(kind, &rest.weights().unwrap(), &whole.weights().unwrap(), 1e-6);
        state.remove("step");
        let error = rest.optimizer.load_state_dict(&state).unwrap_err();
        assert!(error.kind == Kind::Data && error.got.contains("missing keys [step]"), "{error}");
    }
}

#[test]
fn clipping_adds_no_submission_and_no_plan_after_the_first_step() {
    let all = reference();
    let row = serde_json::json!({
        "optimizer": "Adam", "settings": {}, "clip_norm": ["0.1", "2"], "clip_value": 0.05
    });
    let run = Run::new(&all, &row).unwrap();
    run.step(&row).unwrap();
    run.step(&row).unwrap();
    let before = stats();
    run.step(&row).unwrap();
    let after = stats();
    assert_eq!((after.plan_hits - before.plan_hits, after.plans_compiled - before.plans_compiled), (1, 0));
}

#[test]
fn wrong_settings_are_named() {
    let w = [Tensor::from_slice(&[1f32], &[1]).unwrap()];
    let wrong = |kind: &str, names: &[&str], values: &[f64]| {
        let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
        Optimizer::named(&w, &Settings::new(kind, &names, values)).err().unwrap()
    };
    let typo = wrong("AdamW", &["lr", "weigthDecay"], &[0.1, 0.1]);
    assert!(typo.got.contains("weigthDecay") && typo.expected.contains("weight_decay"), "{typo}");
    assert!(wrong("Adam", &["betas"], &[0.9]).expected.contains("2 numbers"));
    assert!(wrong("SGD", &["momentum"], &[-1.0]).got.contains("momentum -1"));
    assert!(wrong("Adagrad", &[], &[]).expected.contains("AdamW"));
    let optimizer = Optimizer::adam(&w, AdamOptions::default()).unwrap();
    assert_eq!(clip_grad_norm(&w, 0.0, 2.0).unwrap_err().kind, Kind::Argument);
    assert_eq!(clip_grad_norm(&w, 1.0, 2.0).unwrap_err().kind, Kind::Argument);
    assert_eq!(clip_grad_value(&w, f64::NAN).unwrap_err().kind, Kind::Argument);
    assert_eq!(Optimizer::group(&[&optimizer, &optimizer]).err().unwrap().kind, Kind::Argument);
    assert!(Schedule::named(&optimizer, &Settings::new("StepLR", &[], &[])).is_err());
    assert!(Schedule::named(&optimizer, &Settings::new("ExponentialLR", &[], &[])).is_err());
}

#[test]
fn half_weights_keep_float32_moments() {
    for dtype in [DType::F16, DType::BF16] {
        let w = Tensor::from_slice(&[1f32, -2.0], &[2]).unwrap().cast(dtype).unwrap();
        let optimizer =
            named(std::slice::from_ref(&w), "Adam", &[&serde_json::json!({ "lr": 0.25 })]).unwrap();
        for _ in 0..2 {
            optimizer.zero_grad();
            w.sum((), false).unwrap().backward().unwrap();
            optimizer.step().unwrap();
        }
        assert_eq!(w.dtype(), dtype);
        assert_eq!(w.cast(DType::F32).unwrap().to_vec::<f32>().unwrap(), [0.5, -2.5], "{dtype}");
        assert_eq!(optimizer.state_dict().unwrap()["v.0"].dtype(), DType::F32);
    }
}
