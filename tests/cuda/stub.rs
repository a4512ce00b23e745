//! The library that stands in for CUDA's driver, NVRTC and NCCL.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Built in a fresh folder; none without g++. Its own name is `libcuda.so`: once it is loaded, nobody looks further.
pub fn built(folder: &Path) -> Option<PathBuf> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).unwrap();
    let sources = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cuda");
    let library = folder.join("libcuda.so");
    let text = |name: &str, path: PathBuf| format!("-D{name}=\"{}\"", path.display());
    let made = Command::new("g++")
        .args(["-std=c++17", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-Wl,-soname,libcuda.so"])
        .args([text("SHIM", sources.join("shim.h")), text("FOLDER", folder.into())])
        .args([sources.join("driver.cpp"), sources.join("nccl.cpp")])
        .arg("-o")
        .arg(&library)
        .output()
        .ok()?;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(library)
}
