//! Data-parallel training by processes of this machine: over TCP, and over stand-ins for NCCL and CUDA.

#[cfg(all(feature = "cuda", target_os = "linux"))]
#[path = "cuda/stub.rs"]
mod stub;

use playgrad::{
    Tensor, data,
    error::Result,
    models::Model,
    runtime::{self, ProcessGroup},
    schedule::capture,
    tensor::{Slice, finish_capture, realize_all},
};
use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    rc::Rc,
};

const ROWS: usize = 24;
const STEPS: usize = 6;

/// Every parameter after a few steps on `rows` of the data, one after another.
fn trained(group: Option<&Rc<ProcessGroup>>, rows: [usize; 2], captured: bool) -> Result<Vec<f32>> {
    // Other weights in every process: those of the first one count.
    playgrad::manual_seed(7 + group.map_or(0, |g| g.rank() as u32));
    let mut model = Model::new("mnist-mlp")?;
    model.batch = None;
    let mut optimizer = model.optimizer("adam", None)?;
    if let Some(group) = group {
        optimizer = optimizer.data_parallel(group)?;
    }
    let own = |t: Tensor| {
        let all = Slice::Range { start: Some(rows[0] as isize), stop: Some(rows[1] as isize), step: 1 };
        t.slice(&[all]).map(|t| t.contiguous())
    };
    let (x, labels) = data::digits(ROWS, 1).tensors()?;
    let (x, labels) = (own(x)?, own(labels)?);
    realize_all(&[x.clone(), labels.clone()])?;
    let step = || model.step(&optimizer, &x, &labels);
    step()?;
    if captured {
        capture::begin()?;
        step()?;
        finish_capture(&[], &[]).replay_n(&[], STEPS - 2)?;
    } else {
        (1..STEPS).try_for_each(|_| step().map(drop))?;
    }
    let values = optimizer.params().iter().map(Tensor::to_vec::<f32>).collect::<Result<Vec<_>>>()?;
    Ok(values.concat())
}

/// What a process that a test started does; its part of the rows is as large as every other's.
fn take_part(into: &Path) {
    runtime::set_default(&env::var("DEVICE").unwrap()).unwrap();
    let group = Rc::new(ProcessGroup::from_env().unwrap().expect("a launcher"));
    let (rank, size) = (group.rank(), group.size());
    if env::var_os("LEAVES").is_some() && rank == size - 1 {
        return;
    }
    let rows = [rank * ROWS / size, (rank + 1) * ROWS / size];
    let told = match trained(Some(&group), rows, env::var_os("CAPTURED").is_some()) {
        Ok(weights) => bytemuck::cast_slice(&weights).to_vec(),
        Err(e) => e.to_string().into_bytes(),
    };
    fs::write(into.join(rank.to_string()), told).unwrap();
}

/// What every process of a group leaves behind; this test runs again in each.
fn group(test: &str, size: usize, variables: &[(&str, &str)]) -> Option<Vec<Vec<u8>>> {
    if let Some(folder) = env::var_os("PART_OF") {
        take_part(Path::new(&folder));
        return None;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("parallel-{test}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let start = |rank: usize| -> Child {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args([test, "--exact"]).env("PART_OF", &folder).env("PLAYGRAD_PORT", &port);
        child
            .env("RANK", rank.to_string())
            .env("WORLD_SIZE", size.to_string())
            .env("LOCAL_RANK", rank.to_string());
        child.envs(variables.iter().copied()).stdout(Stdio::null()).spawn().unwrap()
    };
    let children: Vec<Child> = (0..size).map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    Some((0..size).map(|rank| fs::read(folder.join(rank.to_string())).unwrap_or_default()).collect())
}

/// All processes have the same weights, and those that one process learns from all rows.
fn same_as_alone(all: &[Vec<u8>]) {
    if all.iter().any(|w| *w != all[0]) {
        all.iter().for_each(|told| println!("{:.300}", String::from_utf8_lossy(told)));
        panic!("processes differ");
    }
    runtime::set_default("cpu").unwrap();
    let got: Vec<f32> = bytemuck::pod_collect_to_vec(&all[0]);
    let want = trained(None, [0, ROWS], false).unwrap();
    let far = got.iter().zip(&want).map(|(g, w)| (g - w).abs()).fold(0.0, f32::max);
    assert!(got.len() == want.len() && far < 2e-5, "{} and {} weights, {far} apart", got.len(), want.len());
}

#[test]
fn two_processes_learn_what_one_learns_from_all_rows() {
    let test = "two_processes_learn_what_one_learns_from_all_rows";
    if let Some(all) = group(test, 2, &[("DEVICE", "cpu")]) {
        same_as_alone(&all);
    }
}

#[test]
fn three_processes_replay_captured_steps() {
    let test = "three_processes_replay_captured_steps";
    if let Some(all) = group(test, 3, &[("DEVICE", "cpu"), ("CAPTURED", "1")]) {
        same_as_alone(&all);
    }
}

#[cfg(all(feature = "cuda", target_os = "linux"))]
#[test]
fn two_gpus_add_up_with_nccl() {
    let test = "two_gpus_add_up_with_nccl";
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("parallel-cuda");
    let library = match env::var_os("PART_OF") {
        Some(_) => PathBuf::new(),
        None => match stub::built(&folder) {
            Some(library) => library,
            None => return println!("NCCL: skipped, g++ is missing: apt-get install g++"),
        },
    };
    let (library, cache) = (library.to_str().unwrap(), folder.join("cache"));
    let stands_in = [("LD_PRELOAD", library), ("PLAYGRAD_NVRTC", library), ("PLAYGRAD_NCCL", library)];
    let rest = [("PLAYGRAD_CACHE", cache.to_str().unwrap()), ("DEVICE", "cuda"), ("CAPTURED", "1")];
    if let Some(all) = group(test, 2, &[&stands_in[..], &rest[..]].concat()) {
        same_as_alone(&all);
    }
}

#[test]
fn who_leaves_is_an_error_in_the_others() {
    let test = "who_leaves_is_an_error_in_the_others";
    if let Some(all) = group(test, 3, &[("DEVICE", "cpu"), ("LEAVES", "1")]) {
        for told in &all[..2] {
            let told = String::from_utf8_lossy(told);
            assert!(told.contains("group: got") && told.contains("of 3"), "{told}");
        }
    }
}

#[test]
fn a_group_needs_sound_numbers() {
    let error = ProcessGroup::join(3, 2, "127.0.0.1:1").map(drop).unwrap_err();
    assert_eq!(error.got, "rank 3 of 2 processes");
}
