use super::graph::{Graph, Node, Operation, Place, Work};
use crate::{
    error::{Error, Result},
    grad,
    tensor::{Tensor, realize_all},
};
use rustc_hash::{FxHashMap, FxHashSet};

/// Steps against the gradient: each variable -= learning rate · gradient.
pub struct GradientDescentOptimizer {
    pub learning_rate: f64,
}

impl GradientDescentOptimizer {
    /// The node that makes a step for a loss of one number; run it in a session. It comes to the loss before the step.
    pub fn minimize(&self, loss: &Node) -> Node {
        loss.0.graph.node(Work::Minimize(self.learning_rate), &[loss], "", None)
    }
}

/// Runs a graph.
pub struct Session {
    graph: Graph,
}

type Values = FxHashMap<*const Place, Tensor>;

impl Session {
    pub fn new(graph: &Graph) -> Session {
        Session { graph: graph.clone() }
    }

    /// What each of these nodes comes to, with placeholders as fed; only what they need is computed, all of it in one
    /// submission. Variables change after everything is computed.
    ///
    /// # Errors
    /// `Argument` for a placeholder without a value and for a node of another graph; those of the operations. No
    /// variable has changed then.
    pub fn run<const N: usize>(&self, fetch: [&Node; N], feed: &[(&Node, &Tensor)]) -> Result<[Tensor; N]> {
        for node in fetch.iter().chain(feed.iter().map(|(node, _)| node)) {
            self.graph.requires("Session::run", node)?;
        }
        let fed: Values = feed.iter().map(|(node, value)| (node.id(), (*value).clone())).collect();
        let mut values = fed.clone();
        let mut updates: Vec<(Node, Tensor)> = Vec::new();
        for node in in_order(&fetch, &fed) {
            let value = match fed.get(&node.id()) {
                Some(value) => value.clone(),
                None => evaluate(&node, &values)?,
            };
            if let Work::Minimize(rate) = node.0.work {
                step(&node.0.inputs[0], rate, &fed, &values, &mut updates)?;
            }
            if !matches!(node.0.work, Work::Variable | Work::Constant) {
                node.0.value.replace(Some(value.clone()));
            }
            values.insert(node.id(), value);
        }
        let results = fetch.map(|node| values[&node.id()].clone());
        let new = updates.iter().map(|(_, value)| value.clone());
        realize_all(&results.iter().cloned().chain(new).collect::<Vec<_>>())?;
        for (variable, value) in updates {
            variable.0.value.replace(Some(value));
        }
        Ok(results)
    }
}

fn evaluate(node: &Node, values: &Values) -> Result<Tensor> {
    let inputs: Vec<&Tensor> = node.0.inputs.iter().map(|input| &values[&input.id()]).collect();
    match node.0.work {
        Work::Apply(operation, axis) => {
            let output = apply(operation, axis, &inputs)?;
            match node.0.graph.rule(operation) {
                Some(rule) => output.custom_grad(&inputs, move |g, output, inputs| rule(g, output, inputs)),
                None => Ok(output),
            }
        }
        Work::Minimize(_) => Ok(inputs[0].clone()),
        Work::Constant | Work::Variable => Ok(node.value().expect("kept")),
        Work::Placeholder => {
            let expected = "a value for every placeholder below what is run";
            let fix = "feed it: session.run([&loss], &[(&x, &data)])";
            Err(Error::argument("Session::run", format!("no value for the {node}"), expected, fix))
        }
    }
}

fn apply(operation: Operation, axis: Option<isize>, inputs: &[&Tensor]) -> Result<Tensor> {
    let (x, y) = (inputs[0], inputs[inputs.len() - 1]);
    match operation {
        Operation::Add => x.add(y),
        Operation::Subtract => x.sub(y),
        Operation::Multiply => x.mul(y),
        Operation::Divide => x.div(y),
        Operation::MatMul => x.matmul(y),
        Operation::Negative => x.neg(),
        Operation::Square => x.square(),
        Operation::Log => x.log(),
        Operation::Relu => x.relu(),
        Operation::Sigmoid => x.sigmoid(),
        Operation::Softmax => x.softmax(-1),
        Operation::ReduceSum => axis.map_or_else(|| x.sum((), false), |axis| x.sum(axis, false)),
        Operation::ReduceMean => axis.map_or_else(|| x.mean((), false), |axis| x.mean(axis, false)),
    }
}

/// A step of the variables below the loss; one that another loss of this run changes too takes both steps.
fn step(
    loss: &Node,
    rate: f64,
    fed: &Values,
    values: &Values,
    updates: &mut Vec<(Node, Tensor)>,
) -> Result<()> {
    let mut variables = in_order(&[loss], fed);
    variables.retain(|node| matches!(node.0.work, Work::Variable) && !fed.contains_key(&node.id()));
    let used: Vec<&Tensor> = variables.iter().map(|variable| &values[&variable.id()]).collect();
    for (variable, gradient) in variables.iter().zip(grad(&values[&loss.id()], &used)?) {
        let by = gradient.mul(rate)?;
        match updates.iter_mut().find(|(node, _)| node.id() == variable.id()) {
            Some((_, value)) => *value = value.sub(by)?.detach(),
            None => updates.push((variable.clone(), values[&variable.id()].sub(by)?.detach())),
        }
    }
    Ok(())
}

/// All that the nodes need, each behind its inputs; a node that is fed needs none.
fn in_order(wanted: &[&Node], fed: &Values) -> Vec<Node> {
    let (mut order, mut seen) = (Vec::new(), FxHashSet::default());
    let mut stack: Vec<(Node, bool)> = wanted.iter().rev().map(|node| ((*node).clone(), false)).collect();
    while let Some((node, complete)) = stack.pop() {
        if complete {
            order.push(node);
        } else if seen.insert(node.id()) {
            let inputs = if fed.contains_key(&node.id()) { Vec::new() } else { node.0.inputs.clone() };
            stack.push((node, true));
            stack.extend(inputs.into_iter().map(|input| (input, false)));
        }
    }
    order
}
