//! Kernels that JavaScript's programs write.

use crate::{
    Js,
    error::thrown,
    table::{Table, all, put},
};
use js_sys::{Function, Uint32Array};
use playgrad::{
    Error, Result,
    graph::{Custom, Source},
    methods, schedule,
    tensor::{Tensor, custom_node},
};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::prelude::*;

thread_local! {
    static KERNELS: RefCell<Table<Rc<Source>>> = const { RefCell::new(Table::new()) };
}

/// `inputs` stand between spaces. `cpu` takes, for each argument, the output last: the byte of memory where it starts,
/// its element type by its place, its number of axes, its shape; all in one array.
#[wasm_bindgen(js_name = customKernel)]
pub fn custom_kernel(name: &str, inputs: &str, wgsl: Option<String>, cpu: Option<Function>) -> u32 {
    let mut source = Source::new(name.into(), inputs.split(' ').map(String::from).collect());
    source.wgsl = wgsl;
    if let Some(cpu) = cpu {
        source.cpu = Some(Box::new(move |custom, inputs, output| {
            let described = described(custom, inputs, output);
            cpu.call1(&JsValue::NULL, &described.into()).map(|_| ()).map_err(thrown)
        }));
    }
    KERNELS.with_borrow_mut(|k| k.add(Rc::new(source)))
}

fn described(custom: &Custom, inputs: &[&[u8]], output: &[u8]) -> Uint32Array {
    let mut out = Vec::new();
    for (i, (shape, dtype)) in custom.args.iter().enumerate() {
        let start = inputs.get(i).map_or(output, |x| x).as_ptr();
        out.extend([start as u32, *dtype as u32, shape.len() as u32]);
        out.extend(shape.iter().map(|n| *n as u32));
    }
    Uint32Array::from(out.as_slice())
}

#[wasm_bindgen(js_name = customRelease)]
pub fn custom_release(kernel: u32) {
    let gone = KERNELS.with_borrow_mut(|k| k.remove(kernel));
    drop(gone);
}

/// The kernel of `inputs`, or the bytes that a checked run leaves. `sizes`: threads and groups, 0 for what is not told,
/// then the shape.
#[wasm_bindgen(js_name = customCall)]
pub fn custom_call(kernel: u32, inputs: &[u32], dtype: &str, sizes: &[u32], checked: bool) -> Js<u32> {
    let call = || -> Result<Tensor> {
        let source = KERNELS.with_borrow(|k| k.get(kernel).cloned());
        let source = source.ok_or_else(|| Error::argument("custom_kernel", "no kernel", "a kernel", ""))?;
        let (inputs, dtype) = (all(inputs)?, methods::dtype("custom_kernel", dtype)?);
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        let sizes: Vec<usize> = sizes.iter().map(|n| *n as usize).collect();
        let told = |n: usize| (n > 0).then_some(n);
        let guard = if checked { schedule::ZONE / 4 } else { 0 };
        let (threads, groups) = (told(sizes[0]), told(sizes[1]));
        let node = custom_node(&source, &inputs, &sizes[2..], dtype, threads, groups, guard)?;
        Ok(Tensor::from_node(if checked { schedule::checked(&node)? } else { node }))
    };
    put(call())
}
