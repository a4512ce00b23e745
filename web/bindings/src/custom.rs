//! Kernels that JavaScript's programs write.

use crate::{
    Js,
    error::{ToJs, thrown},
    table::{Table, all, put},
};
use js_sys::{Function, Uint32Array};
use playgrad::{
    Error, Result,
    graph::{Custom, DType, Source},
    methods, schedule,
    tensor::{Tensor, custom_node},
};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::prelude::*;

thread_local! {
    static KERNELS: RefCell<Table<Rc<Source>>> = const { RefCell::new(Table::new()) };
}

/// `cpu` takes, for each argument, the output last: the byte of memory where it starts, its element type by its place,
/// its number of axes, its shape; all in one array.
#[wasm_bindgen(js_name = customKernel)]
pub fn custom_kernel(
    name: String,
    inputs: Vec<String>,
    wgsl: Option<String>,
    cpu: Option<Function>,
) -> Js<u32> {
    let mut source = Source::new(name, inputs);
    source.check_names().js()?;
    source.wgsl = wgsl;
    if let Some(cpu) = cpu {
        source.cpu = Some(Box::new(move |custom, inputs, output| {
            let starts = inputs.iter().map(|i| i.as_ptr()).chain([output.as_ptr()]);
            cpu.call1(&JsValue::NULL, &described(custom, starts)).map_err(thrown)?;
            Ok(())
        }));
    }
    Ok(KERNELS.with_borrow_mut(|k| k.add(Rc::new(source))))
}

fn described(custom: &Custom, starts: impl Iterator<Item = *const u8>) -> Uint32Array {
    let mut out = Vec::new();
    for ((shape, dtype), start) in custom.args.iter().zip(starts) {
        let place = DType::ALL.iter().position(|d| d == dtype).unwrap_or_default();
        out.extend([start as u32, place as u32, shape.len() as u32]);
        out.extend(shape.iter().map(|n| *n as u32));
    }
    Uint32Array::from(out.as_slice())
}

#[wasm_bindgen(js_name = customRelease)]
pub fn custom_release(kernel: u32) {
    let gone = KERNELS.with_borrow_mut(|k| k.remove(kernel));
    drop(gone);
}

/// The kernel of `inputs`; `checked`: the bytes that a checked run leaves.
#[wasm_bindgen(js_name = customCall)]
pub fn custom_call(
    kernel: u32,
    inputs: &[u32],
    shape: &[u32],
    dtype: &str,
    threads: Option<u32>,
    groups: Option<u32>,
    checked: bool,
) -> Js<u32> {
    let call = || -> Result<Tensor> {
        let source = KERNELS.with_borrow(|k| k.get(kernel).cloned());
        let source = source.ok_or_else(|| {
            Error::argument(
                "custom_kernel",
                "a kernel that was given back",
                "one that is there",
                "make it again",
            )
        })?;
        let (inputs, dtype) = (all(inputs)?, methods::dtype("custom_kernel", dtype)?);
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        let shape: Vec<usize> = shape.iter().map(|n| *n as usize).collect();
        let guard = if checked { schedule::ZONE / 4 } else { 0 };
        let (threads, groups) = (threads.map(|n| n as usize), groups.map(|n| n as usize));
        let node = custom_node(&source, &inputs, &shape, dtype, threads, groups, guard)?;
        Ok(Tensor::from_node(if checked { schedule::checked(&node)? } else { node }))
    };
    put(call())
}
