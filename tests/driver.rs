//! The cuda device itself without a GPU: over a driver and a compiler that stand in for NVIDIA's (`cuda/driver.cpp`).
#![cfg(all(feature = "cuda", target_os = "linux"))]

#[path = "cuda/stub.rs"]
mod stub;

use libloading::Library;
use playgrad::{
    DType, Tensor, data as sets,
    models::Model,
    runtime::{self, Device},
    schedule::capture,
    tensor::Slice,
};
use std::{env, path::PathBuf, rc::Rc, thread};

struct Stub(Library);

impl Stub {
    fn number<T>(&self, name: &str) -> T {
        // SAFETY: the functions of `driver.cpp` take nothing and give a number of that type.
        unsafe { self.0.get::<unsafe extern "C" fn() -> T>(name.as_bytes()).unwrap()() }
    }

    fn count(&self, name: &str) -> i32 {
        self.number(name)
    }
}

fn stub() -> Option<Stub> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("driver");
    let library = stub::built(&folder)?;
    // SAFETY: this program has one test, so nothing reads the environment meanwhile; the library's initialisers only
    // set up its own tables.
    unsafe {
        env::set_var("PLAYGRAD_NVRTC", &library);
        env::set_var("PLAYGRAD_CACHE", folder.join("cache"));
        Some(Stub(Library::new(&library).unwrap()))
    }
}

fn values(device: &str, f: fn() -> playgrad::Result<Tensor>) -> Vec<f32> {
    runtime::set_default(device).unwrap();
    f().unwrap().cast(DType::F32).unwrap().to_vec::<f32>().unwrap()
}

fn computes() {
    let some: [fn() -> playgrad::Result<Tensor>; 4] = [
        || Tensor::arange(0.0, 1000.0, 1.0, DType::F32)?.reshape(&[40, 25])?.softmax(1)?.sum(0, false),
        || Tensor::full(&[70, 90], 0.5, DType::F32)?.contiguous().matmul(&Tensor::eye(90)?),
        || Tensor::arange(0.0, 50.0, 1.0, DType::F64)?.sin()?.sum((), false),
        || Tensor::full(&[0, 3], 1.0, DType::F32)?.sum(0, false),
    ];
    for f in some {
        let (got, want) = (values("cuda", f), values("cpu", f));
        assert_eq!(got.len(), want.len());
        assert!(
            got.iter().zip(&want).all(|(g, w)| (g - w).abs() <= 1e-5 * w.abs().max(1.0)),
            "{got:?} {want:?}"
        );
    }
}

/// Losses of plain steps, and of captured ones; the device's objects made in each.
fn train(name: &str, captured: bool) -> (Vec<f64>, Vec<u64>) {
    let device = runtime::set_default(name).and_then(|()| runtime::device(name)).unwrap();
    playgrad::manual_seed(3);
    let mut model = Model::new("mnist-mlp").unwrap();
    model.batch = Some(16);
    let (x, labels) = sets::digits(32, 1).tensors().unwrap();
    let optimizer = model.optimizer("adam", None).unwrap();
    let step = || model.step(&optimizer, &x, &labels).unwrap();
    playgrad::tensor::realize_all(&[x.clone(), labels.clone()]).unwrap();
    let mut recorded: Option<capture::Capture> = None;
    let (mut losses, mut made) = (Vec::new(), Vec::new());
    for i in 0..12 {
        let before = device.counters().objects;
        let loss = match &recorded {
            Some(recorded) => Tensor::from_node(recorded.replay(&[]).unwrap().remove(0)),
            None if captured && i == 1 => {
                capture::begin().unwrap();
                let loss = step();
                recorded = Some(playgrad::tensor::finish_capture(&[], &[loss.node()]));
                loss
            }
            None => step(),
        };
        losses.push(loss.item().unwrap());
        made.push(device.counters().objects - before);
    }
    (losses, made)
}

fn trains(stub: &Stub) {
    for captured in [false, true] {
        let replayed = stub.count("stub_replayed");
        let ((got, made), (want, _)) = (train("cuda", captured), train("cpu", captured));
        assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() <= 1e-3 * w.abs()), "{got:?} {want:?}");
        println!("captured {captured}: objects made in each step {made:?}");
        assert!(made[3..].iter().all(|n| *n == 0), "captured {captured}: objects made in each step {made:?}");
        assert!(stub.count("stub_replayed") >= replayed + 10, "captured {captured}: no graph is replayed");
    }
}

fn runs_out_of_memory(device: &Rc<dyn Device>) {
    runtime::set_default("cuda").unwrap();
    let large = |rows: usize| Tensor::full(&[rows << 18], 1.0, DType::F32).map(|t| t.contiguous());
    let held = large(100).unwrap().realize().unwrap();
    let error = large(200).unwrap().realize().unwrap_err();
    assert!(error.op == "alloc" && error.got.contains("out of memory"), "{error}");
    drop(held);
    let after = large(200).unwrap().realize().unwrap();
    let first = after.slice(&[Slice::Range { start: Some(0), stop: Some(2), step: 1 }]).unwrap();
    assert_eq!(
        first.to_vec::<f32>().unwrap(),
        [1.0, 1.0],
        "memory that was free is given back and asked for again"
    );
    assert!(device.counters().bytes >= 200 << 20);
}

fn everything(stub: &Stub) {
    let device = runtime::device("cuda").unwrap();
    assert_eq!(device.description(), "stub, sm_90, NVRTC 12.0");
    computes();
    trains(stub);
    runs_out_of_memory(&device);
}

#[test]
fn the_device_over_a_stand_in() {
    let Some(stub) = stub() else {
        return println!("cuda's device: skipped, g++ is missing: apt-get install g++");
    };
    thread::scope(|scope| scope.spawn(|| everything(&stub)).join().unwrap());
    assert_eq!(stub.number::<usize>("stub_held"), 0, "bytes are held after the device is gone");
    assert_eq!(stub.count("stub_graphs"), 0, "graphs are held after the device is gone");
    let compiled = stub.count("stub_compiled");
    assert!(compiled > 10, "{compiled} kernels");
    thread::scope(|scope| scope.spawn(computes).join().unwrap());
    assert_eq!(
        stub.count("stub_compiled"),
        compiled,
        "kernels are compiled again although their code is on disk"
    );
}
