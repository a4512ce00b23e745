//! What every host must do: open a device, train XOR on it through the functions JavaScript calls.

use js_sys::{Float32Array, Function, Reflect, Uint32Array};
use playgrad::methods::METHODS;
use playgrad::{
    render::wasm::{
        self,
        micro::{self, Micro},
    },
    runtime::cpu,
};
use playgrad_web::{call, devices, error, layers, read, table, tensor, train};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

pub async fn numbers(id: u32) -> Vec<f32> {
    let read = read::read(id).unwrap();
    let array = match read.dyn_into::<js_sys::Promise>() {
        Ok(promise) => JsFuture::from(promise).await.unwrap(),
        Err(array) => array,
    };
    array.unchecked_into::<Float32Array>().to_vec()
}

pub fn column(values: &[f32], shape: &[i32]) -> u32 {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor::from_bytes(bytes.into(), "float32", shape, None).unwrap()
}

/// A method by name, as JavaScript calls it: `arguments` are written with their tags.
pub fn method(name: &str, this: u32, arguments: &[f64]) -> Result<u32, JsValue> {
    let place = METHODS.iter().position(|m| m.name == name).unwrap();
    let at = call::buffer(arguments.len()).cast_mut();
    // SAFETY: the buffer has room for so many numbers until the next call.
    unsafe { std::ptr::copy_nonoverlapping(arguments.as_ptr(), at, arguments.len()) };
    call::call(place, this, arguments.len())
}

fn tensors(ids: &[u32]) -> Vec<f64> {
    ids.iter().flat_map(|id| [4.0, f64::from(*id)]).collect()
}

pub async fn xor_is_learned(device: &str) {
    devices::set_device(device).unwrap();
    devices::manual_seed(7.0);
    let x = column(&[0., 0., 0., 1., 1., 0., 1., 1.], &[4, 2]);
    let y = column(&[0., 1., 1., 0.], &[4, 1]);
    let linear = |sizes: &[u32]| -> Vec<u32> {
        let made = layers::new_layer("Linear", sizes, true).unwrap();
        made.get(1).unchecked_into::<Uint32Array>().to_vec()
    };
    let (first, second) = (linear(&[2, 8]), linear(&[8, 1]));
    let params = [first.clone(), second.clone()].concat();
    let adam = train::optimizer("Adam", &params, vec!["lr".into()], &[0.05]).unwrap();
    let apply = |x: u32, layer: &[u32]| {
        let weight = method("transpose", layer[0], &[]).unwrap();
        method("linear", x, &tensors(&[weight, layer[1]])).unwrap()
    };
    let forward = || {
        let hidden = method("tanh", apply(x, &first), &[]).unwrap();
        method("sigmoid", apply(hidden, &second), &[]).unwrap()
    };
    let mut last = 0;
    for _ in 0..300 {
        last = method("mse", forward(), &tensors(&[y])).unwrap();
        train::zero_grad(adam).unwrap();
        train::backward(last, 0).unwrap();
        train::optimizer_step(adam).unwrap();
    }
    let loss = numbers(last).await[0];
    assert!(loss < 0.01, "loss {loss} on {device}");
    assert_eq!(tensor::tensor_device(last).unwrap(), device);
    let rounded: Vec<f32> = numbers(forward()).await.iter().map(|v| v.round()).collect();
    assert_eq!(rounded, [0., 1., 1., 0.]);
}

/// Large enough that the work is split over many workgroups.
pub async fn large_sum_agrees(device: &str) {
    devices::set_device(device).unwrap();
    let shape = [6.0, 2.0, 3.0, 1000.0, 3.0, 1000.0];
    let halves = method("full", 0, &[&shape[..], &[3.0, 0.5]].concat()).unwrap();
    let shifted = method("add", halves, &tensors(&[column(&[0.25], &[1])])).unwrap();
    let sum = method("sum", shifted, &[]).unwrap();
    assert_eq!(numbers(sum).await, [750_000.0]);
}

pub fn mistakes_reach_the_factory() {
    let make =
        Function::new_with_args("kind, op, got, expected, fix", "return { kind, op, got, expected, fix }");
    error::install(make);
    let (a, b) = (column(&[1.0; 6], &[2, 3]), column(&[1.0; 4], &[4]));
    let error = method("matmul", a, &tensors(&[b])).unwrap_err();
    let field = |name: &str| Reflect::get(&error, &JsValue::from_str(name)).unwrap().as_string().unwrap();
    assert_eq!((field("kind"), field("op")), ("Shape".into(), "matmul".into()));
    assert!(field("got").contains("[2, 3]") && field("got").contains("[4]"));
    assert!(!field("expected").is_empty() && !field("fix").is_empty());
    let image = column(&[1.0; 4], &[4]);
    let pooled = method("max_pool2d", image, &[]).unwrap_err();
    let op = Reflect::get(&pooled, &"op".into()).unwrap().as_string().unwrap();
    assert_eq!(op, "maxPool2d");
}

pub fn handles_are_given_back() {
    let before = devices::memory_in_use()[2];
    let ids: Vec<u32> = (0..10).map(|i| column(&[i as f32], &[1])).collect();
    assert_eq!(devices::memory_in_use()[2], before + 10.0);
    table::release(&ids);
    assert_eq!(devices::memory_in_use()[2], before);
    assert!(method("neg", ids[0], &[]).is_err());
}

/// A kernel is emitted twice: what it computes is right, and its place in the table is used again.
pub fn emitted_code_runs() {
    playgrad_web::host::install();
    let host = cpu::host().unwrap();
    let shape = Micro { rows: 2, columns: 4, relaxed: host.relaxed_simd() };
    let mut places = Vec::new();
    for _ in 0..2 {
        let loaded = host.load(&wasm::module(&[(micro::PARAMS, micro::function(shape))]), 1).unwrap();
        // SAFETY: a loaded function's address is a function pointer, of the type it was emitted with.
        let product = unsafe {
            type Product = extern "C" fn(usize, *const f32, *const f32, *mut f32, usize, bool);
            std::mem::transmute::<usize, Product>(loaded[0])
        };
        let (a, b) = ([1.0, 10.0].repeat(5), (0..20u8).map(f32::from).collect::<Vec<_>>());
        let mut c = [0.5; 9];
        product(5, a.as_ptr(), b.as_ptr(), c.as_mut_ptr(), 5, true);
        assert_eq!(c, [40.5, 45.5, 50.5, 55.5, 0.5, 400.5, 450.5, 500.5, 550.5]);
        host.unload(&loaded);
        places.push(loaded);
    }
    assert_eq!(places[0], places[1]);
    assert!(host.load(b"not wasm", 1).is_err());
}
