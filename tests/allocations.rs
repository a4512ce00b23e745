//! A steady training step asks the allocator for little: a count, the same on every machine.

use playgrad::{data, manual_seed, models::Model, runtime};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    // The counter is gone while a thread ends.
    let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
}

// SAFETY: the system's allocator does all the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_steady_step_allocates_little() {
    runtime::set_default("cpu").unwrap();
    manual_seed(1);
    let model = Model::new("xor").unwrap();
    let (x, labels) = data::xor().tensors().unwrap();
    let optimizer = model.optimizer("adam", None).unwrap();
    let step = || drop(model.step(&optimizer, &x, &labels).unwrap());
    (0..20).for_each(|_| step());
    let nodes = playgrad::graph::live_nodes();
    let before = ALLOCATIONS.get();
    (0..10).for_each(|_| step());
    let each = (ALLOCATIONS.get() - before) / 10;
    println!("{each} allocations a step");
    assert_eq!(playgrad::graph::live_nodes(), nodes);
    assert!(each <= 310, "{each} allocations");
}
