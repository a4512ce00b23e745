//! Captured replay: a step's plans and bindings are recorded once and run again without building a graph.

use super::{
    plan::{Place, Plan},
    run,
};
#[cfg(not(target_family = "wasm"))]
use crate::runtime::ProcessGroup;
use crate::{
    error::{Error, Result},
    graph::{DType, Node, Op, Pairs, Shape},
    runtime::{Device, Region, Storage},
};
use rustc_hash::FxHashMap;
use std::{cell::RefCell, rc::Rc};

/// A value that lives on between steps (a weight, a moment): where its current node is read and written.
pub trait State {
    fn node(&self) -> Node;
    fn set_node(&self, node: Node);
}

/// One part of a step.
#[derive(Clone)]
enum Part {
    Plan(Rc<Plan>),
    /// Over the processes, of every input.
    #[cfg(not(target_family = "wasm"))]
    Sum(Rc<ProcessGroup>),
}

/// A part while recording.
struct Recorded {
    part: Part,
    device: Rc<dyn Device>,
    /// Each with its number among the values that the step has made, if it is one. Its storage may be released
    /// before the step ends: an optimizer lets go of weights from two steps back.
    inputs: Vec<(Node, Option<usize>)>,
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
    part: Part,
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
    /// What the step has made, held so that no two values lie at the same place.
    values: Vec<Storage>,
    made: FxHashMap<Region, usize>,
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
    note(Part::Plan(plan.clone()), device, inputs, outputs);
}

#[cfg(not(target_family = "wasm"))]
pub(super) fn record_sum(
    processes: &Rc<ProcessGroup>,
    device: &Rc<dyn Device>,
    inputs: &[Node],
    outputs: &[Node],
) {
    note(Part::Sum(processes.clone()), device, inputs, outputs);
}

fn note(part: Part, device: &Rc<dyn Device>, inputs: &[Node], outputs: &[Node]) {
    RECORDING.with_borrow_mut(|r| {
        let Some(r) = r else { return };
        let inputs = inputs.iter().map(|n| (n.clone(), r.number(n))).collect();
        r.runs.push(Recorded { part, device: device.clone(), inputs });
        for storage in outputs.iter().filter_map(Node::storage) {
            r.made.insert(storage.region(), r.values.len());
            r.values.push(storage);
        }
    });
}

impl Recording {
    /// Which of the values that the step has made.
    fn number(&self, node: &Node) -> Option<usize> {
        self.made.get(&node.storage()?.region()).copied()
    }
}

/// Ends the recording: `args` are the nodes of the step's arguments, `results` what it returned, all computed.
/// `follow` gives the state that a leaf is the present value of: the step reads it anew each time.
pub(crate) fn finish(
    args: &[Node],
    results: &[Node],
    follow: &dyn Fn(&Node) -> Option<Rc<dyn State>>,
) -> Capture {
    let mut recording = RECORDING.take().unwrap_or_default();
    for (node, _) in recording.runs.iter().flat_map(|run| &run.inputs) {
        let known = args.contains(node) || recording.states.iter().any(|(before, _)| before == node);
        if !known
            && let Some(state) = follow(node)
            && !recording.states.iter().any(|(_, s)| Rc::ptr_eq(s, &state))
        {
            recording.states.push((node.clone(), state));
        }
    }
    let states = &recording.states;
    let source = |n: &Node, made: Option<usize>| {
        let state = || states.iter().position(|(before, _)| before == n).map(Source::State);
        let arg = || args.iter().position(|a| a == n).map(Source::Arg);
        made.map(Source::Made).or_else(arg).or_else(state).unwrap_or_else(|| Source::Fixed(n.clone()))
    };
    let run = |run: &Recorded| Run {
        part: run.part.clone(),
        device: run.device.clone(),
        inputs: run.inputs.iter().map(|(n, made)| source(n, *made)).collect(),
    };
    let runs = recording.runs.iter().map(run).collect();
    let value = |n: &Node| Value {
        source: source(n, recording.number(n)),
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
        self.run(args, &|_| None)
    }

    /// Runs the step `n` times on the same arguments. A result that the step computes and that has one element comes
    /// back as `[n]`: its value in every step. Of every other result comes the last step's value.
    ///
    /// # Errors
    /// As [`Capture::replay`], and `Argument` for no steps.
    pub fn replay_n(&self, args: &[Node], n: usize) -> Result<Vec<Node>> {
        if n == 0 {
            return Err(Error::argument("jit", "0 steps", "at least one", "run at least one step"));
        }
        let stacks = self.results.iter().map(|v| self.stack(v, n)).collect::<Result<Vec<_>>>()?;
        let mut last = Vec::new();
        for step in 0..n {
            let slot = |made: usize| {
                let stack = stacks.iter().flatten().find(|s| s.made == made)?;
                Some(stack.whole.part(step * stack.stride, stack.bytes))
            };
            last = self.run(args, &slot)?;
        }
        let joined = |(stack, last): (&Option<Stack>, Node)| stack.as_ref().map_or(last, |s| s.node(n));
        Ok(stacks.iter().zip(last).map(joined).collect())
    }

    /// Memory for a result of `n` steps, where the step computes it and it has one element.
    fn stack(&self, value: &Value, n: usize) -> Result<Option<Stack>> {
        let Source::Made(i) = value.source else { return Ok(None) };
        let mut first = 0;
        for run in &self.runs {
            let results = match &run.part {
                Part::Plan(plan) => &plan.results[..],
                #[cfg(not(target_family = "wasm"))]
                Part::Sum(_) => &[],
            };
            let count = run.computes();
            if let Some(Place::Output(own)) = i.checked_sub(first).and_then(|at| results.get(at))
                && value.shape.iter().all(|s| *s == 1)
            {
                let (bytes, dtype) = (value.dtype.size(), value.dtype);
                let stride = run.device.limits().alignment.next_multiple_of(bytes);
                let whole = Storage::new(&run.device, n * stride)?;
                return Ok(Some(Stack { made: first + own, whole, stride, bytes, dtype }));
            }
            first += count;
        }
        Ok(None)
    }

    /// One step; `place` may give the n-th value the step computes its storage.
    fn run(&self, args: &[Node], place: &dyn Fn(usize) -> Option<Storage>) -> Result<Vec<Node>> {
        let before: Vec<Node> = self.states.iter().map(|(s, _)| s.node()).collect();
        let waits = |n: &&Node| n.as_leaf().is_none() && !n.is_realized();
        run::realize(&before.iter().filter(waits).cloned().collect::<Vec<_>>())?;
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
            let first = made.len();
            made.extend(match &run.part {
                Part::Plan(plan) => run::execute(plan, &run.device, &inputs, &|i| place(first + i))?,
                #[cfg(not(target_family = "wasm"))]
                Part::Sum(processes) => run::sums(processes, &run.device, &inputs)?,
            });
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

impl Run {
    /// How many values.
    fn computes(&self) -> usize {
        match &self.part {
            Part::Plan(plan) => plan.results.len(),
            #[cfg(not(target_family = "wasm"))]
            Part::Sum(_) => self.inputs.len(),
        }
    }
}

/// A value of one element for each of several steps, `stride` bytes apart.
struct Stack {
    /// Which of the values that the step computes.
    made: usize,
    whole: Storage,
    stride: usize,
    bytes: usize,
    dtype: DType,
}

impl Stack {
    fn node(&self, n: usize) -> Node {
        let gap = self.stride / self.bytes;
        let shape = |sizes: &[usize]| Shape::from_slice(sizes);
        let all = Node::from_storage(self.whole.clone(), shape(&[n * gap]), self.dtype, false);
        let rows = Node::new(Op::Reshape, &[all], shape(&[n, gap]), self.dtype);
        let firsts = Op::Shrink(Pairs::from_slice(&[(0, n), (0, 1)]));
        let column = Node::new(firsts, &[rows], shape(&[n, 1]), self.dtype);
        Node::new(Op::Reshape, &[column], shape(&[n]), self.dtype)
    }
}
