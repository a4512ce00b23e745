//! When the CPU device emits kernels, and what it does when nobody can run them.

use playgrad::{
    Error, Result, Tensor,
    runtime::{
        self,
        cpu::{Host, install_host},
    },
    tensor::realize_all,
};
use std::{cell::RefCell, rc::Rc};

/// Remembers how many functions each module has; refuses it, or gives the address of one that does nothing.
struct Fake {
    refuses: bool,
    modules: RefCell<Vec<usize>>,
}

extern "C" fn nothing(_args: *const *mut u8, _from: u32, _to: u32) {}

impl Host for Fake {
    fn relaxed_simd(&self) -> bool {
        false
    }

    fn load(&self, module: &[u8], functions: usize) -> Result<Vec<usize>> {
        assert!(module.starts_with(b"\0asm"));
        self.modules.borrow_mut().push(functions);
        if self.refuses {
            return Err(Error::device("emit", "no", "a host that runs code", "allow it"));
        }
        Ok(vec![nothing as *const () as usize; functions])
    }

    fn now(&self) -> f64 {
        unreachable!("there is no contraction to tune")
    }

    fn unload(&self, _functions: &[usize]) {}
}

fn install(refuses: bool) -> Rc<Fake> {
    let fake = Rc::new(Fake { refuses, modules: RefCell::default() });
    install_host(fake.clone());
    runtime::set_default("cpu").unwrap();
    fake
}

/// Two kernels.
fn run(x: &Tensor) -> Vec<f32> {
    let (twice, sum) = (x.mul(2.0).unwrap().add(1.0).unwrap(), x.sum(0, false).unwrap());
    realize_all(&[twice.clone(), sum]).unwrap();
    twice.to_vec::<f32>().unwrap()
}

#[test]
fn what_runs_a_second_time_is_emitted_once_in_one_module() {
    let fake = install(false);
    let x = Tensor::from_slice(&[1.0f32; 12], &[4, 3]).unwrap();
    assert_eq!(run(&x), [3.0; 12]);
    assert!(fake.modules.borrow().is_empty(), "emitted for one run");
    run(&x);
    assert_eq!(*fake.modules.borrow(), [2]);
    run(&x);
    let other = Tensor::from_slice(&[1.0f32; 12], &[4, 3]).unwrap();
    run(&other);
    assert_eq!(*fake.modules.borrow(), [2]);
    assert!(runtime::device("cpu").unwrap().description().starts_with("emitted"));
}

#[test]
fn a_host_that_refuses_is_asked_once_and_named() {
    let fake = install(true);
    let x = Tensor::from_slice(&[2.0f32; 12], &[4, 3]).unwrap();
    for _ in 0..4 {
        assert_eq!(run(&x), [5.0; 12]);
    }
    assert_eq!(fake.modules.borrow().len(), 1);
    let description = runtime::device("cpu").unwrap().description();
    assert!(description.starts_with("interpreter") && description.contains("refused"), "{description}");
}
