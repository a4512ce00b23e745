//! The host adds functions to the engine's table while it runs.

fn main() {
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg=--export-table");
        println!("cargo::rustc-link-arg=--growable-table");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
