//! Captured replay: a step's plans and bindings are recorded once and run again without building a graph.

use super::{plan::Plan, run};
use crate::{
    error::{Error, Result},
    graph::{DType, Node, Shape},
    runtime::{Device, Storage},
};
use rustc_hash::FxHashMap;
use std::{cell::RefCell, rc::Rc};

/// A value that lives on between steps (a weight, a moment): where its current node is read and written.
pub trait State {
    fn node(&self) -> Node;
    fn set_node(&self, node: Node);
}

/// One `realize` while recording.
struct Recorded {
    plan: Rc<Plan>,
    device: Rc<dyn Device>,
    inputs: Vec<Node>,
    outputs: Vec<Node>,
}

/// Where a replayed step finds a value.
enum Source {
    Arg(usize),
    State(usize),
    /// The n-th value the step has computed.
    Made(usize),
    /// A value from outside the step, the same every time (or refreshed by itself).
    Fixed(Node),
}

struct Run {
    plan: Rc<Plan>,
    device: Rc<dyn Device>,
    inputs: Vec<Source>,
}

struct Value {
    source: Source,
    shape: Shape,
    dtype: DType,
    requires_grad: bool,
}

#[derive(Default)]
struct Recording {
    runs: Vec<Recorded>,
    /// State changed by the step: its leaf before, the handle.
    states: Vec<(Node, Rc<dyn State>)>,
}

thread_local! {
    static RECORDING: RefCell<Option<Recording>> = const { RefCell::new(None) };
}

/// A step that can be run again.
pub struct Capture {
    runs: Vec<Run>,
    results: Vec<Value>,
    states: Vec<(Rc<dyn State>, Value)>,
}

/// Starts recording; every `realize` until `finish` is part of the step.
///
/// # Errors
/// `Argument` when a recording is already under way.
pub fn begin() -> Result<()> {
    RECORDING.with_borrow_mut(|r| match r {
        Some(_) => Err(Error::argument(
            "jit",
            "a jit inside a jit",
            "one jit at a time",
            "call the inner function plainly",
        )),
        None => {
            *r = Some(Recording::default());
            Ok(())
        }
    })
}

pub fn is_recording() -> bool {
    RECORDING.with_borrow(Option::is_some)
}

/// Stops recording and forgets it (the step failed).
pub fn abandon() {
    RECORDING.take();
}

/// Called by whoever changes state: its node before the change. Only the first change in a step counts.
pub fn note_state(before: &Node, state: Rc<dyn State>) {
    RECORDING.with_borrow_mut(|r| {
        if let Some(r) = r
            && !r.states.iter().any(|(_, s)| Rc::ptr_eq(s, &state))
        {
            r.states.push((before.clone(), state));
        }
    });
}

pub(super) fn record(plan: &Rc<Plan>, device: &Rc<dyn Device>, inputs: &[Node], outputs: &[Node]) {
    RECORDING.with_borrow_mut(|r| {
        if let Some(r) = r {
            r.runs.push(Recorded {
                plan: plan.clone(),
                device: device.clone(),
                inputs: inputs.to_vec(),
                outputs: outputs.to_vec(),
            });
        }
    });
}

/// Ends the recording: `args` are the nodes of the step's arguments, `results` what it returned, all computed.
pub fn finish(args: &[Node], results: &[Node]) -> Capture {
    let recording = RECORDING.take().unwrap_or_default();
    let mut made: FxHashMap<u64, usize> = FxHashMap::default();
    let states = &recording.states;
    let source = |n: &Node, made: &FxHashMap<u64, usize>| {
        let state = || states.iter().position(|(before, _)| before == n).map(Source::State);
        let arg = || args.iter().position(|a| a == n).map(Source::Arg);
        let known = || n.storage().and_then(|s| made.get(&s.region().buffer.0)).map(|i| Source::Made(*i));
        known().or_else(arg).or_else(state).unwrap_or_else(|| Source::Fixed(n.clone()))
    };
    let mut runs = Vec::new();
    let mut next = 0;
    for run in recording.runs {
        let inputs = run.inputs.iter().map(|n| source(n, &made)).collect();
        for output in &run.outputs {
            if let Some(storage) = output.storage() {
                made.insert(storage.region().buffer.0, next);
            }
            next += 1;
        }
        runs.push(Run { plan: run.plan, device: run.device, inputs });
    }
    let value = |n: &Node| Value {
        source: source(n, &made),
        shape: n.shape.clone(),
        dtype: n.dtype,
        requires_grad: n.needs_grad,
    };
    let after = states.iter().map(|(_, s)| (s.clone(), value(&s.node()))).collect();
    Capture { runs, results: results.iter().map(value).collect(), states: after }
}

impl Capture {
    /// Runs the step on new arguments of the same shapes; the nodes of its results.
    ///
    /// # Errors
    /// Those of `realize`.
    pub fn replay(&self, args: &[Node]) -> Result<Vec<Node>> {
        let before: Vec<Node> = self.states.iter().map(|(s, _)| s.node()).collect();
        let mut made: Vec<Storage> = Vec::new();
        for run in &self.runs {
            let inputs = run
                .inputs
                .iter()
                .map(|source| match source {
                    Source::Made(i) => Ok(made[*i].clone()),
                    Source::Arg(i) => run::input(&args[*i], &run.device),
                    Source::State(i) => run::input(&before[*i], &run.device),
                    Source::Fixed(node) => run::input(node, &run.device),
                })
                .collect::<Result<Vec<_>>>()?;
            made.extend(run::execute(&run.plan, &run.device, &inputs)?);
        }
        let node = |v: &Value| match &v.source {
            Source::Made(i) => {
                Node::from_storage(made[*i].clone(), v.shape.clone(), v.dtype, v.requires_grad)
            }
            Source::Arg(i) => args[*i].clone(),
            Source::State(i) => before[*i].clone(),
            Source::Fixed(node) => node.clone(),
        };
        self.states.iter().for_each(|(state, after)| state.set_node(node(after)));
        Ok(self.results.iter().map(node).collect())
    }
}
