//! The command line as people use it.
#![cfg(feature = "cli")]

use serde_json::Value;
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
    assert!(out.contains("step    200") && out.contains("200 steps of xor on cpu"), "{out}");
    assert_eq!(playgrad::io::load_safetensors("saved", &bytes.unwrap()).unwrap().len(), 4);
}

const QUICK: &str = "--device cpu --size tiny --seconds 0.001";

fn json(line: &str) -> Value {
    let (code, out, err) = playgrad(line);
    assert_eq!(code, Some(0), "{line}: {err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn bench_measures_every_suite_and_compares() {
    let dir = std::env::temp_dir().join(format!("playgrad-bench-{}", std::process::id()));
    let all = json(&format!("bench {QUICK} --json --save {}", dir.display()));
    let results = all["results"].as_array().unwrap();
    let suites = ["matmul", "map", "reduce", "softmax", "layernorm", "conv", "attention", "train"];
    for suite in suites {
        assert!(results.iter().any(|r| r["suite"] == suite), "{suite} is missing");
    }
    for r in results {
        assert!(r["seconds"].as_f64().unwrap() > 0.0 && r["rate"].as_f64().unwrap() > 0.0, "{r}");
        if r["suite"] == "train" {
            let file = dir.join(format!("{}.safetensors", r["model"].as_str().unwrap()));
            let start = playgrad::io::load_safetensors("start", &std::fs::read(file).unwrap()).unwrap();
            assert!(start.iter().any(|(name, _)| name == "rows"), "{r}");
            let losses: Vec<f64> =
                r["losses"].as_array().unwrap().iter().map(|l| l.as_f64().unwrap()).collect();
            assert!(losses[7] < losses[0], "{r}: the loss does not fall");
        }
    }
    let file = dir.join("earlier.json");
    std::fs::write(&file, all.to_string()).unwrap();
    let again = json(&format!("bench matmul softmax {QUICK} --json --compare {}", file.display()));
    let (_, table, _) = playgrad(&format!("bench softmax {QUICK} --compare {}", file.display()));
    std::fs::remove_dir_all(&dir).unwrap();
    let again = again["results"].as_array().unwrap();
    assert_eq!(again.len(), 6);
    assert!(again.iter().all(|r| r["faster"].as_f64().unwrap() > 0.0), "{again:?}");
    assert!(table.contains("before") && !table.contains("matmul 24"), "{table}");
}

#[test]
fn profile_lists_the_kernels_of_a_step() {
    let line = format!("profile mnist-mlp {QUICK} --batch 8 --steps 2");
    let profile = json(&format!("{line} --json"));
    let kernels = profile["kernels"].as_array().unwrap();
    let sum: f64 = kernels.iter().map(|k| k["seconds"].as_f64().unwrap()).sum();
    assert!((sum / profile["seconds"].as_f64().unwrap() - 1.0).abs() < 1e-9);
    // 2·8·784·128 operations forward in the largest product, twice.
    let most = kernels.iter().map(|k| k["flops"].as_u64().unwrap()).max().unwrap();
    assert!(most >= 2 * 2 * 8 * 784 * 128, "{most}");
    let (code, table, _) = playgrad(&line);
    assert!(code == Some(0) && table.contains("contract") && table.contains("of peak"), "{table}");
}

#[test]
fn the_lines_of_the_readme_run() {
    let readme = include_str!("../README.md");
    let folder = std::env::temp_dir().join(format!("playgrad-readme-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy("tests/onnx/fixtures/mnist.onnx", folder.join("model.onnx")).unwrap();
    let lines: Vec<&str> =
        readme.lines().filter_map(|line| line.strip_prefix("cargo run --release -- ")).collect();
    assert_eq!(lines.len(), 6, "{lines:?}");
    for line in lines {
        let shorter = match line.split(' ').next() {
            Some("bench") => "--size tiny --seconds 0.001",
            Some("profile") => "--size tiny --seconds 0.001 --batch 2 --steps 1",
            Some("onnx") => "--seconds 0.001",
            Some("train") => "--steps 2 --batch 2",
            _ => "",
        };
        let Output { status, stderr, .. } = Command::new(env!("CARGO_BIN_EXE_playgrad"))
            .args(line.split(' ').chain(shorter.split_whitespace()))
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(status.success(), "{line}: {}", String::from_utf8_lossy(&stderr));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn mistakes_say_what_to_do() {
    for (line, code, says) in [
        ("count", 2, "MODEL"),
        ("train xor --steps 0", 2, "--steps"),
        ("fly", 2, "devices, count, train, bench, profile or onnx"),
        ("bench sorting", 2, "expected one of matmul"),
        ("bench --size huge", 2, "tiny, small, large"),
        ("bench --seconds 0", 2, "--seconds"),
        ("bench --batch 3", 2, "--batch"),
        ("profile", 2, "needs a MODEL"),
        ("onnx", 2, "needs a FILE"),
        ("onnx no/such/file", 1, "no/such/file"),
        ("bench --compare no/such/file", 1, "no/such/file"),
        ("bench matmul --device tpu", 1, "expected one of"),
        ("train xor --device tpu", 1, "expected one of"),
        ("train mnist-mlp --data no/such/folder", 1, "no/such/folder"),
    ] {
        let (status, out, err) = playgrad(line);
        assert_eq!(status, Some(code), "{line}: {out}{err}");
        assert!(err.contains(says) && !err.contains("panicked"), "{line}: {err}");
    }
}
