//! Random programs of the table's methods: interpreter against emitted WebAssembly, kernel by kernel; CPU against
//! GPU, values and gradients. And random arguments, which may give errors but never panic.
//!
//! `PLAYGRAD_FUZZ_SEED` and `PLAYGRAD_FUZZ_SECONDS` choose other programs and more of them (`npm run fuzz`).

#[path = "emit/device.rs"]
mod device;
#[path = "fuzz/draw.rs"]
mod draw;
#[path = "fuzz/program.rs"]
mod program;

use draw::Dice;
use playgrad::{
    methods::{self, Value},
    runtime,
};
use program::{Noise, Program, Run};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    env,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Once,
    time::{Duration, Instant},
};

/// The seeds of a test: a fixed number of them, or as many as the given time allows.
fn seeds(count: u64) -> impl Iterator<Item = u64> {
    let number = |name: &str| env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let first = number("PLAYGRAD_FUZZ_SEED").unwrap_or(1) * 1_000_000;
    let (start, time) = (Instant::now(), number("PLAYGRAD_FUZZ_SECONDS").map(Duration::from_secs));
    let trace = env::var_os("PLAYGRAD_FUZZ_TRACE").is_some();
    let told = move |seed: &u64| {
        if trace {
            eprintln!("seed {seed}")
        }
    };
    let due = move |seed: &u64| match time {
        Some(time) => start.elapsed() < time,
        None => *seed < first + count,
    };
    (0..).map(move |i| first + i).take_while(due).inspect(told)
}

/// What was thrown, without its way through the test harness.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    QUIET.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    outcome.map_err(|fault| {
        let text = fault.downcast_ref::<String>().cloned();
        let text = text.or_else(|| fault.downcast_ref::<&str>().map(|s| s.to_string()));
        let text: String = text.unwrap_or_default().chars().take(300).collect();
        format!("panic at {}: {text}", PLACE.take())
    })
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// Where this thread panicked last.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What was found, one of a kind: the shortest.
struct Finds {
    what: &'static str,
    ran: u64,
    found: u64,
    kinds: BTreeMap<String, String>,
}

impl Finds {
    fn new(what: &'static str) -> Finds {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let loud = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                PLACE.set(info.location().map(ToString::to_string).unwrap_or_default());
                if !QUIET.get() {
                    loud(info);
                }
            }));
        });
        Finds { what, ran: 0, found: 0, kinds: BTreeMap::new() }
    }

    fn add(&mut self, seed: u64, why: &str, code: &str) {
        self.found += 1;
        let kind: String =
            why.chars().take_while(|c| !c.is_ascii_digit() || why.contains("panic")).take(60).collect();
        let text = format!("seed {seed}: {why}\n{code}");
        let known = self.kinds.entry(kind).or_insert_with(|| text.clone());
        if text.len() < known.len() {
            *known = text;
        }
    }

    /// Everything found is told together.
    fn tell(self) {
        println!("{}: {} ran, {} finds of {} kinds", self.what, self.ran, self.found, self.kinds.len());
        let all: Vec<String> = self.kinds.into_values().collect();
        assert!(all.is_empty(), "{} finds\n{}", self.found, all.join("\n\n"));
    }
}

/// The shortest program in `program` that `fails`, and why.
fn shortest(program: &Program, fails: &dyn Fn(&Program) -> Option<String>) -> Option<(Program, String)> {
    let parts = (0..program.steps.len()).map(|last| program.cut(last));
    parts.chain([program.clone()]).find_map(|p| fails(&p).map(|why| (p, why)))
}

#[test]
fn emitted_kernels_agree_with_the_interpreter() {
    let kernels = device::install();
    runtime::set_default("cpu").unwrap();
    let table = draw::methods();
    let mut finds = Finds::new("interpreter against emitted");
    for seed in seeds(400) {
        let dice = &mut Dice::new(seed);
        finds.ran += 1;
        let fails = |p: &Program| match caught(|| p.run(None)) {
            Ok(Ok(_)) => None,
            Ok(Err(e)) => Some(format!("error: {e}")),
            Err(panic) => Some(panic),
        };
        match draw::program(dice, &table, 8, false) {
            Ok(program) => {
                if fails(&program).is_some() {
                    let (program, why) = shortest(&program, &fails).expect("the whole fails");
                    finds.add(seed, &why, &program.code());
                }
            }
            Err((program, panic)) => finds.add(seed, &panic, &program.code()),
        }
    }
    println!("{} kernels compared", kernels.get());
    finds.tell();
}

/// Values close enough by what rounding does to them on the way; `None`, or the first that is not. `undecided` counts
/// those that rounding could make anything.
fn differ(want: &Run, got: &Run, noisy: &[Run], undecided: &mut u64) -> Option<String> {
    let moved = |n: &Run, i: usize, at: usize, w: f64| match n.values[i].1[at] {
        o if o == w => 0.0,
        o if (o - w).is_nan() => f64::INFINITY,
        o => (o - w).abs(),
    };
    for (i, ((dtype, want), (_, got))) in want.values.iter().zip(&got.values).enumerate() {
        if want.len() != got.len() {
            return Some(format!("value {i} has {} elements for {}", got.len(), want.len()));
        }
        let largest = want.iter().filter(|v| v.is_finite()).fold(0.0, |m: f64, v| m.max(v.abs()));
        let spread = |at: usize| noisy.iter().map(|n| moved(n, i, at, want[at])).fold(0.0, f64::max);
        let spreads: Vec<f64> = (0..want.len()).map(spread).collect();
        // An element that noise happens to leave is judged as its neighbours.
        let mut sorted = spreads.clone();
        sorted.sort_by(f64::total_cmp);
        let usual = sorted.get(sorted.len() / 2).copied().filter(|s| s.is_finite()).unwrap_or(0.0);
        for (at, (w, g)) in want.iter().zip(got).enumerate() {
            if w == g || w.is_nan() && g.is_nan() {
                continue;
            }
            let spread = spreads[at];
            let rounding = match dtype.name() {
                "float16" => 2e-3,
                "bfloat16" => 2e-2,
                "float32" => 2e-6,
                _ => 0.0,
            };
            let near = (g - w).abs() <= 10.0 * spread.max(usual) + 4.0 * rounding * (w.abs() + 0.1 * largest);
            if spread == f64::INFINITY || spread > 0.1 * w.abs().max(1e-3) {
                *undecided += 1;
            } else if !near {
                return Some(format!(
                    "value {i} ({dtype}), element {at}: {g} for {w} (rounding moves it {spread:e})"
                ));
            }
        }
    }
    None
}

#[test]
fn gpu_agrees_with_cpu() {
    if env::var_os("PLAYGRAD_FUZZ_SECONDS").is_none() {
        println!(
            "skipped: by hand with PLAYGRAD_FUZZ_SECONDS, while sines near π, rounded otherwise there, count as finds"
        );
        return;
    }
    let Some(gpu) = ["vulkan", "metal"].into_iter().find(|name| runtime::device(name).is_ok()) else {
        println!("skipped: {}", runtime::device("vulkan").err().unwrap());
        return;
    };
    let table = draw::methods();
    let (mut finds, mut undecided) = (Finds::new("GPU against CPU"), 0);
    for seed in seeds(100) {
        let dice = &mut Dice::new(seed);
        finds.ran += 1;
        runtime::set_default("cpu").unwrap();
        let program = match draw::program(dice, &table, 6, false) {
            Ok(program) => program,
            Err((program, panic)) => {
                finds.add(seed, &panic, &program.code());
                continue;
            }
        };
        let undecided = RefCell::new(&mut undecided);
        let fails = |p: &Program| {
            let run = |device: &str, noise| {
                runtime::set_default(device).unwrap();
                caught(|| p.run(noise)).and_then(|r| r.map_err(|e| format!("{device}: error: {e}")))
            };
            let both = || {
                let want = run("cpu", None)?;
                let got = run(gpu, None)?;
                let noisy = [0.3, 1.9, 4.1].map(|n| run("cpu", Some(Noise(n))));
                let noisy = noisy.into_iter().collect::<Result<Vec<_>, String>>()?;
                Ok::<_, String>(differ(&want, &got, &noisy, &mut undecided.borrow_mut()))
            };
            both().unwrap_or_else(Some)
        };
        if let Some(why) = fails(&program) {
            let (program, why) = shortest(&program, &fails).unwrap_or((program, why));
            finds.add(seed, &why, &program.code());
        }
    }
    println!("{undecided} elements that rounding could make anything were not compared");
    finds.tell();
}

#[test]
fn no_argument_panics() {
    runtime::set_default("cpu").unwrap();
    let table = draw::methods();
    let mut finds = Finds::new("arguments of all kinds");
    for seed in seeds(6000) {
        let dice = &mut Dice::new(seed);
        let method = &table[dice.below(table.len())];
        let this = draw::tensor(dice);
        let mut named: Vec<(&str, Value)> = Vec::new();
        for (name, kind, has_default) in &method.args {
            // A large tensor that holds data is what was asked for, not a mistake.
            if name != "requires_grad" && (!has_default || dice.chance(2)) {
                let typed = !dice.chance(20);
                named.push((name, if typed { draw::wild(dice, kind) } else { draw::nonsense(dice, 2) }));
            }
        }
        finds.ran += 1;
        let on = (!method.on_class).then_some(&this);
        let outcome = caught(|| {
            let Ok(value) = methods::call(&method.name, on, &[], &named) else { return };
            let small: Vec<_> = program::tensors(value).into_iter().filter(|t| t.numel() < 10_000).collect();
            let _ = playgrad::tensor::realize_all(&small);
        });
        if let Err(panic) = outcome {
            let args: Vec<_> = named.iter().map(|(n, v)| format!("{n}: {v}")).collect();
            let x = format!("{:?} {}", this.shape().as_slice(), this.dtype());
            finds.add(seed, &panic, &format!("x {x}: {}({})", method.name, args.join(", ")));
        }
    }
    finds.tell();
}
