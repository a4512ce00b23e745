use crate::{
    error::{Error, Result},
    tensor::{Operand, Tensor},
};
use rustc_hash::FxHashMap;
use std::{cell::RefCell, fmt, rc::Rc};

pub(super) type Rule = Rc<dyn Fn(&Tensor, &Tensor, &[Tensor]) -> Result<Vec<Option<Tensor>>>>;

/// What is computed, written down before anything is: nodes that name their inputs.
#[derive(Clone, Default)]
pub struct Graph(Rc<RefCell<FxHashMap<Operation, Rule>>>);

impl Graph {
    /// A value that is given when the graph runs.
    pub fn placeholder(&self, label: &str) -> Node {
        self.node(Work::Placeholder, &[], label, None)
    }

    /// A value that never changes: a tensor or a number.
    ///
    /// # Errors
    /// Those of making the tensor.
    pub fn constant(&self, value: impl Into<Operand>) -> Result<Node> {
        Ok(self.node(Work::Constant, &[], "", Some(tensor(value)?)))
    }

    /// What training changes; it keeps its value from run to run.
    ///
    /// # Errors
    /// `DType` for a tensor of integers, and those of making the tensor.
    pub fn variable(&self, label: &str, initial: impl Into<Operand>) -> Result<Node> {
        let value = tensor(initial)?.detach();
        value.set_requires_grad(true)?;
        Ok(self.node(Work::Variable, &[], label, Some(value)))
    }

    /// Gives an operation, wherever this graph has it, a gradient of your own in place of the engine's. `rule` takes
    /// and gives what `backward` of [`Tensor::custom_grad`] does, whose errors a run then has.
    pub fn register_gradient(
        &self,
        operation: Operation,
        rule: impl Fn(&Tensor, &Tensor, &[Tensor]) -> Result<Vec<Option<Tensor>>> + 'static,
    ) {
        self.0.borrow_mut().insert(operation, Rc::new(rule));
    }

    pub(super) fn rule(&self, operation: Operation) -> Option<Rule> {
        self.0.borrow().get(&operation).cloned()
    }

    pub(super) fn node(&self, work: Work, inputs: &[&Node], label: &str, value: Option<Tensor>) -> Node {
        let inputs = inputs.iter().map(|input| (*input).clone()).collect();
        let (graph, label, value) = (self.clone(), label.to_string(), RefCell::new(value));
        Node(Rc::new(Place { graph, work, inputs, label, value }))
    }

    /// That the node is of this graph.
    pub(super) fn requires(&self, op: &str, node: &Node) -> Result<()> {
        if Rc::ptr_eq(&self.0, &node.0.graph.0) {
            return Ok(());
        }
        let got = format!("{node} of another graph");
        Err(Error::argument(op, got, "a node of the same graph", "make nodes and session from one Graph"))
    }
}

fn tensor(value: impl Into<Operand>) -> Result<Tensor> {
    match value.into() {
        Operand::Tensor(tensor) => Ok(tensor),
        number => Tensor::scalar(number)?.float(),
    }
}

/// What a node does with its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    MatMul,
    Negative,
    Square,
    Log,
    Relu,
    Sigmoid,
    Softmax,
    ReduceSum,
    ReduceMean,
}

pub(super) enum Work {
    Placeholder,
    Constant,
    Variable,
    /// An operation and, where it goes along one, its axis.
    Apply(Operation, Option<isize>),
    /// A step of training at this rate; comes to the loss, its input.
    Minimize(f64),
}

pub(super) struct Place {
    pub graph: Graph,
    pub work: Work,
    pub inputs: Vec<Node>,
    label: String,
    pub value: RefCell<Option<Tensor>>,
}

/// One place of a graph. It has a value once a session has run it; variables and constants always have one.
#[derive(Clone)]
pub struct Node(pub(super) Rc<Place>);

impl Node {
    /// What the last run that reached it gave, or what the variable holds.
    pub fn value(&self) -> Option<Tensor> {
        self.0.value.borrow().clone()
    }

    /// a + b; shapes broadcast. As all operations of two nodes: `Argument` where they are of two graphs.
    pub fn add(&self, other: &Node) -> Result<Node> {
        self.with(Operation::Add, other)
    }

    /// a - b; shapes broadcast.
    pub fn subtract(&self, other: &Node) -> Result<Node> {
        self.with(Operation::Subtract, other)
    }

    /// a · b, element by element; shapes broadcast.
    pub fn multiply(&self, other: &Node) -> Result<Node> {
        self.with(Operation::Multiply, other)
    }

    /// a / b; shapes broadcast.
    pub fn divide(&self, other: &Node) -> Result<Node> {
        self.with(Operation::Divide, other)
    }

    /// The matrix product: `[n, k]` and `[k, m]` give `[n, m]`.
    pub fn matmul(&self, other: &Node) -> Result<Node> {
        self.with(Operation::MatMul, other)
    }

    /// -x
    pub fn negative(&self) -> Node {
        self.alone(Operation::Negative, None)
    }

    /// x²
    pub fn square(&self) -> Node {
        self.alone(Operation::Square, None)
    }

    /// The natural logarithm.
    pub fn log(&self) -> Node {
        self.alone(Operation::Log, None)
    }

    /// 0 where negative.
    pub fn relu(&self) -> Node {
        self.alone(Operation::Relu, None)
    }

    /// 1 / (1 + e^-x)
    pub fn sigmoid(&self) -> Node {
        self.alone(Operation::Sigmoid, None)
    }

    /// e^x over its sum, along the last axis.
    pub fn softmax(&self) -> Node {
        self.alone(Operation::Softmax, None)
    }

    /// The sum of all elements, or along an axis.
    pub fn reduce_sum(&self, axis: Option<isize>) -> Node {
        self.alone(Operation::ReduceSum, axis)
    }

    /// The mean of all elements, or along an axis.
    pub fn reduce_mean(&self, axis: Option<isize>) -> Node {
        self.alone(Operation::ReduceMean, axis)
    }

    fn alone(&self, operation: Operation, axis: Option<isize>) -> Node {
        self.0.graph.node(Work::Apply(operation, axis), &[self], "", None)
    }

    fn with(&self, operation: Operation, other: &Node) -> Result<Node> {
        self.0.graph.requires(&format!("{operation:?}"), other)?;
        Ok(self.0.graph.node(Work::Apply(operation, None), &[self, other], "", None))
    }

    pub(super) fn id(&self) -> *const Place {
        Rc::as_ptr(&self.0)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.work {
            Work::Placeholder => write!(f, "placeholder \"{}\"", self.0.label),
            Work::Variable => write!(f, "variable \"{}\"", self.0.label),
            Work::Constant => write!(f, "a constant"),
            Work::Apply(operation, _) => write!(f, "{operation:?}"),
            Work::Minimize(_) => write!(f, "a step of training"),
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
