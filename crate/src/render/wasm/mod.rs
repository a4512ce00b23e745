//! Takes what a CPU kernel must do; gives a WebAssembly module that works in the engine's own memory.
//!
//! [`rows`] makes the function of a map, reduction or row kernel from the parts in [`Body`]: bind ranges to
//! coordinates, `settle` what is wanted as far outside the loops as it goes, then take [`Body::value`] (a v128 local)
//! of an expression or [`Body::store`] it. A contraction is made of [`micro`], [`pack`] and [`epilogue`].

mod body;
pub mod epilogue;
mod half;
mod index;
mod lanes;
mod math;
mod memory;
pub mod micro;
pub mod pack;
pub mod rows;
mod scan;
mod value;

pub use body::{Body, Coord, Local, Work};
pub use epilogue::epilogue;
pub use pack::pack;
pub use rows::{Rows, rows};
use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection, MemoryType,
    Module, TypeSection, ValType,
};

/// A module that imports the engine's memory as `env.memory` and exports its functions as `0`, `1`, …;
/// each takes `i32` parameters, as many as its number says, and returns nothing.
pub fn module(functions: &[(usize, Function)]) -> Vec<u8> {
    let (mut types, mut list) = (TypeSection::new(), FunctionSection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
    for (i, (params, body)) in functions.iter().enumerate() {
        let i = i as u32;
        types.ty().function(vec![ValType::I32; *params], []);
        list.function(i);
        exports.export(&i.to_string(), ExportKind::Func, i);
        code.function(body);
    }
    let shared = cfg!(target_feature = "atomics");
    let memory = MemoryType {
        minimum: 0,
        maximum: shared.then_some(1 << 16),
        memory64: false,
        shared,
        page_size_log2: None,
    };
    let mut imports = ImportSection::new();
    imports.import("env", "memory", EntityType::Memory(memory));
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&list).section(&exports).section(&code);
    module.finish()
}
