//! The two switches of a thread: training (dropout, batch norm) and whether results keep their history.

use super::Tensor;
use std::cell::Cell;

thread_local! {
    static TRAINING: Cell<bool> = const { Cell::new(false) };
    static NO_GRAD: Cell<bool> = const { Cell::new(false) };
}

struct Restore(&'static std::thread::LocalKey<Cell<bool>>, bool);

impl Drop for Restore {
    fn drop(&mut self) {
        self.0.set(self.1);
    }
}

impl Tensor {
    /// Whether dropout drops and batch norm uses the batch's own statistics.
    pub fn training() -> bool {
        TRAINING.get()
    }

    pub fn set_training(on: bool) {
        TRAINING.set(on);
    }
}

/// Runs `f` with training mode on or off, then restores it.
pub fn with_training<R>(on: bool, f: impl FnOnce() -> R) -> R {
    let _restore = Restore(&TRAINING, TRAINING.replace(on));
    f()
}

/// Runs `f`; tensors it makes remember no history, so gradients stop at them.
pub fn no_grad<R>(f: impl FnOnce() -> R) -> R {
    let _restore = Restore(&NO_GRAD, NO_GRAD.replace(true));
    f()
}

/// Whether histories are kept from now on; tells whether they were. For faces whose blocks are not closures.
pub fn set_grad_enabled(on: bool) -> bool {
    !NO_GRAD.replace(!on)
}

/// Runs `f` with histories kept, whatever lies around it.
pub(super) fn with_history<R>(f: impl FnOnce() -> R) -> R {
    let _restore = Restore(&NO_GRAD, NO_GRAD.replace(false));
    f()
}

pub(super) fn history_is_kept() -> bool {
    !NO_GRAD.get()
}
