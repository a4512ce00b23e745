//! A kernel that its user wrote: its text for each target, and what a call of it is for.

use super::{DType, Shape};
use crate::error::{Error, Result};
use std::{
    cell::{Cell, RefCell},
    fmt,
    future::poll_fn,
    hash::{Hash, Hasher},
    rc::{Rc, Weak},
    task::{Poll, Waker},
};

/// What the user gave.
pub struct Source {
    pub name: String,
    /// What the texts call the inputs; the output is `out`.
    pub inputs: Vec<String>,
    pub wgsl: Option<String>,
    pub cuda: Option<String>,
    pub cpu: Option<Box<HostKernel>>,
    calls: RefCell<Vec<Weak<Custom>>>,
}

/// What texts already have.
const OWN_NAMES: [&str; 4] = ["i", "out", "group", "thread"];

/// The bytes of the inputs and of the output.
pub type HostKernel = dyn Fn(&Custom, &[&[u8]], &mut [u8]) -> Result<()>;

/// How often a kernel runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grid {
    /// Once for each `i` below a number.
    Threads(usize),
    /// In that many workgroups of so many invocations.
    Groups(usize, usize),
}

impl Grid {
    pub fn invocations(self) -> usize {
        match self {
            Grid::Threads(n) => n,
            Grid::Groups(groups, threads) => groups.saturating_mul(threads),
        }
    }
}

/// A source for arguments of known shapes and dtypes; equal ones are one.
pub struct Custom {
    id: u64,
    pub source: Rc<Source>,
    /// The inputs, then the output.
    pub args: Vec<(Shape, DType)>,
    pub grid: Grid,
    /// Elements behind the output where writes outside of it land; none unless the kernel is checked.
    pub guard: usize,
    pub verdict: Rc<Verdict>,
}

impl Source {
    pub fn new(name: String, inputs: Vec<String>) -> Source {
        Source { name, inputs, wgsl: None, cuda: None, cpu: None, calls: RefCell::default() }
    }

    /// # Errors
    /// `Argument` where a text could not use the names.
    pub fn check_names(&self) -> Result<()> {
        let word = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
        };
        let fine = |(i, name): (usize, &String)| {
            word(name) && !OWN_NAMES.contains(&name.as_str()) && !self.inputs[..i].contains(name)
        };
        if word(&self.name) && self.inputs.iter().enumerate().all(fine) {
            return Ok(());
        }
        Err(Error::argument(
            "custom_kernel",
            format!("the names {} and {}", self.name, self.inputs.join(", ")),
            "different names of letters, digits and _",
            "choose other names; i, out, group and thread are taken",
        ))
    }

    pub fn call(self: &Rc<Self>, args: Vec<(Shape, DType)>, grid: Grid, guard: usize) -> Rc<Custom> {
        thread_local! {
            static NEXT_ID: Cell<u64> = const { Cell::new(0) };
        }
        let mut calls = self.calls.borrow_mut();
        calls.retain(|c| c.strong_count() > 0);
        for known in calls.iter() {
            if let Some(known) = known.upgrade()
                && known.args == args
                && (known.grid, known.guard) == (grid, guard)
            {
                return known;
            }
        }
        let id = NEXT_ID.replace(NEXT_ID.get() + 1);
        let made = Rc::new(Custom { id, source: self.clone(), args, grid, guard, verdict: Rc::default() });
        calls.push(Rc::downgrade(&made));
        made
    }

    /// The error of a source that the device `device` would need.
    pub fn missing(&self, what: &str, device: &str) -> Error {
        Error::device(
            "custom_kernel",
            format!("{}, which has no {what}", self.name),
            format!("{what}, for the device {device}"),
            format!("give {what}, or choose a device that the kernel has a source for"),
        )
    }
}

impl PartialEq for Custom {
    fn eq(&self, other: &Custom) -> bool {
        self.id == other.id
    }
}
impl Eq for Custom {}
impl Hash for Custom {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}
impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custom({})", self.source.name)
    }
}

/// What the target's compiler said of a kernel; a browser says it later.
#[derive(Default)]
pub struct Verdict {
    said: RefCell<Said>,
    waiting: RefCell<Vec<Waker>>,
}

#[derive(Default)]
enum Said {
    #[default]
    NotAsked,
    Nothing,
    Good,
    Bad(Error),
}

impl Verdict {
    pub fn asked(&self) {
        *self.said.borrow_mut() = Said::Nothing;
    }

    pub fn settle(&self, result: Result<()>) {
        *self.said.borrow_mut() = result.map_or_else(Said::Bad, |()| Said::Good);
        self.waiting.take().into_iter().for_each(Waker::wake);
    }

    /// Whether the compiler has been asked and has not agreed, so far.
    pub fn is_doubtful(&self) -> bool {
        matches!(*self.said.borrow(), Said::Nothing | Said::Bad(_))
    }

    /// The error where it is known that the kernel does not compile.
    pub fn so_far(&self) -> Result<()> {
        match &*self.said.borrow() {
            Said::Bad(error) => Err(error.clone()),
            Said::NotAsked | Said::Nothing | Said::Good => Ok(()),
        }
    }

    /// Waits for the compiler.
    pub async fn known(&self) -> Result<()> {
        poll_fn(|context| match &*self.said.borrow() {
            Said::Nothing => {
                self.waiting.borrow_mut().push(context.waker().clone());
                Poll::Pending
            }
            Said::Bad(error) => Poll::Ready(Err(error.clone())),
            Said::NotAsked | Said::Good => Poll::Ready(Ok(())),
        })
        .await
    }
}
