//! The command line as people use it.
#![cfg(feature = "cli")]

use std::process::{Command, Output};

fn playgrad(line: &str) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_playgrad")).args(line.split_whitespace()).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn devices_are_listed_with_their_reason() {
    let (code, out, _) = playgrad("devices");
    assert_eq!(code, Some(0));
    for line in out.lines() {
        assert!(line.split_whitespace().count() > 2, "{line}");
    }
    assert!(out.contains("cpu      available"), "{out}");
}

#[test]
fn count_prints_one_line_of_key_value_pairs() {
    let (code, out, _) = playgrad("count mnist-mlp --optimizer sgd --batch 32");
    assert_eq!((code, out.lines().count()), (Some(0), 1));
    let keys: Vec<&str> = out.split_whitespace().map(|pair| pair.split_once('=').unwrap().0).collect();
    assert_eq!(keys, ["kernels", "bytes", "flops", "peak_bytes", "params"]);
}

#[test]
fn train_says_how_it_goes_and_saves() {
    let file = std::env::temp_dir().join(format!("playgrad-{}.safetensors", std::process::id()));
    let (code, out, err) = playgrad(&format!("train xor --device cpu --steps 200 --save {}", file.display()));
    let bytes = std::fs::read(&file);
    let _ = std::fs::remove_file(&file);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("step    200") && out.contains("accuracy"), "{out}");
    assert_eq!(playgrad::io::load_safetensors("saved", &bytes.unwrap()).unwrap().len(), 4);
}

#[test]
fn mistakes_say_what_to_do() {
    for (line, code, says) in [
        ("count", 2, "MODEL"),
        ("train xor --steps 0", 2, "--steps"),
        ("fly", 2, "devices, count or train"),
        ("train xor --device tpu", 1, "expected one of"),
        ("train mnist-mlp --data no/such/folder", 1, "no/such/folder"),
    ] {
        let (status, out, err) = playgrad(line);
        assert_eq!(status, Some(code), "{line}: {out}{err}");
        assert!(err.contains(says) && !err.contains("panicked"), "{line}: {err}");
    }
}
