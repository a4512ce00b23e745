//! The second WebAssembly module: reads trained models, and tensors that PyTorch saved. It computes nothing; what it
//! makes of a model is a graph of primitives for the engine to build.
//!
//! One function, from bytes to bytes: a request and its answer are a JSON text with its length before it (u32,
//! little-endian), then parts of bytes, whose lengths the text lists as `parts`. A mistake is answered with `error`:
//! kind, op, got, expected, fix.

mod request;
mod work;

use std::cell::RefCell;

pub use request::Message;

thread_local! {
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Room for a request of `length` bytes.
#[unsafe(no_mangle)]
pub extern "C" fn room(length: usize) -> *mut u8 {
    ROOM.with_borrow_mut(|room| {
        *room = vec![0; length];
        room.as_mut_ptr()
    })
}

/// Answers the request that was written there: where the answer is, its length (u32, little-endian) before it.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    let given = answered(ROOM.take());
    ROOM.with_borrow_mut(|room| {
        *room = given;
        room.as_ptr()
    })
}

/// A request's answer, its length before it.
pub fn answered(request: Vec<u8>) -> Vec<u8> {
    let answer = Message::read(request).and_then(work::answer);
    answer.unwrap_or_else(Message::error).write()
}
