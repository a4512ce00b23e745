//! Runs WebAssembly that the engine emits: instantiated over the engine's memory, called through its table.

use crate::{cost::now, pool};
use js_sys::{
    Function, Object, Reflect, Uint8Array,
    WebAssembly::{Instance, Module, Table, validate},
};
use playgrad::{
    Error, Result,
    render::wasm::{self, micro},
    runtime::cpu,
};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::{JsCast, JsValue};

struct Page {
    relaxed: bool,
    /// Places in the engine's function table that hold nothing any more.
    free: RefCell<Vec<usize>>,
}

pub fn install() {
    let probe = micro::function(micro::Micro { rows: 1, columns: 4, relaxed: true });
    let probe = Uint8Array::from(&*wasm::module(&[(micro::PARAMS, probe)]));
    let relaxed = validate(&probe).unwrap_or(false);
    cpu::install_host(Rc::new(Page { relaxed, free: RefCell::default() }));
}

impl cpu::Host for Page {
    fn relaxed_simd(&self) -> bool {
        self.relaxed
    }

    fn load(&self, module: &[u8], functions: usize) -> Result<Vec<usize>> {
        self.instantiate(module, functions).map_err(|e| {
            let got = js_sys::Error::from(e).message();
            Error::device("emit", String::from(got), "a module the host accepts", "report it as a bug")
        })
    }

    fn now(&self) -> f64 {
        now()
    }

    fn unload(&self, functions: &[usize]) {
        let table: Table = wasm_bindgen::function_table().unchecked_into();
        for i in functions {
            let emptied = table.set(*i as u32, JsValue::NULL.unchecked_ref());
            emptied.expect("the table has had this place");
        }
        self.free.borrow_mut().extend(functions);
        pool::unloaded(functions);
    }
}

impl Page {
    fn instantiate(&self, module: &[u8], functions: usize) -> core::result::Result<Vec<usize>, JsValue> {
        let (imports, env) = (Object::new(), Object::new());
        Reflect::set(&env, &"memory".into(), &wasm_bindgen::memory())?;
        Reflect::set(&imports, &"env".into(), &env)?;
        let instance = Instance::new(&Module::new(&Uint8Array::from(module))?, &imports)?;
        let table: Table = wasm_bindgen::function_table().unchecked_into();
        let mut free = self.free.borrow_mut();
        if free.len() < functions {
            let missing = functions - free.len();
            let first = table.grow(missing as u32)? as usize;
            free.extend((first..first + missing).rev());
        }
        let places = (0..functions).map(|i| {
            let f = Reflect::get(&instance.exports(), &i.to_string().into())?.unchecked_into::<Function>();
            let place = free.pop().expect("as many as are needed");
            table.set(place as u32, &f)?;
            Ok(place)
        });
        let places = places.collect::<core::result::Result<Vec<usize>, JsValue>>()?;
        pool::loaded(module, &places);
        Ok(places)
    }
}
