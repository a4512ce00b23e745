//! Models as written graphs: another engine that builds them again computes what the model does.

use crate::build::{F32, I64, bytes, floats, ints, model, node, port};
use playgrad::{
    DType, Tensor,
    graph::{read_graph, write_graph},
    io::onnx::{Known, Model, Stored},
    runtime,
};
use proptest::prelude::*;

fn cpu() {
    runtime::set_default("cpu").expect("the cpu device");
}

/// Two layers and a reshape whose sizes are an input.
fn shaped() -> Model {
    let m = model(
        17,
        vec![port("x", F32, &["n", "2"]), port("to", I64, &["2"])],
        vec![port("y", F32, &["?", "?"])],
        vec![floats("w", &[2, 3], &[1.0, -2.0, 3.0, 4.0, 5.0, -6.0]), ints("one", &[0, 1])],
        vec![
            node("MatMul", "x w", "h", &[]),
            node("Relu", "h", "r", &[]),
            node("Add", "to one", "sum", &[]),
            node("Reshape", "r sum", "y", &[]),
        ],
    );
    Model::load(&bytes(&m)).unwrap()
}

fn stored(t: &Tensor) -> Stored {
    let bytes = playgrad::tensor::block_on(t.data()).unwrap().to_bytes().to_vec();
    Stored { dtype: t.dtype(), shape: t.shape().to_vec(), bytes }
}

#[test]
fn a_value_that_decides_a_shape_is_asked_for_and_the_graph_trains() {
    cpu();
    let m = shaped();
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]).unwrap();
    let to = Tensor::from_slice(&[3i64, 1], &[2]).unwrap();
    let expected = m.run(&[("x", &x), ("to", &to)]).unwrap().remove(0);
    let shapes = [vec![2, 2], vec![2]];
    let weights: Vec<Tensor> = m.tensors().into_iter().map(|(_, t)| t.clone()).collect();
    let mut known = Known::default();
    let built = |known: &Known| {
        let made = m.trace(&shapes, known).unwrap();
        let constants =
            made.constants.iter().map(|c| Tensor::from_bytes(c.bytes.clone(), &c.shape, c.dtype).unwrap());
        let all = [x.clone(), to.clone()].into_iter().chain(weights.iter().cloned()).chain(constants);
        let leaves: Vec<_> = all.map(|t| t.node()).collect();
        let outputs = read_graph(&made.graph, &leaves).unwrap();
        (Tensor::from_node(outputs[0].clone()), made.wanted)
    };
    // On this device int64 is held, so the sum of the input is no constant, and is asked for.
    let (sum, wanted) = built(&known);
    assert_eq!(sum.to_vec::<i64>().unwrap(), [3, 2]);
    known.insert(wanted.expect("a value"), &stored(&sum)).unwrap();
    let (y, wanted) = built(&known);
    assert_eq!((wanted, &y.shape()[..]), (None, &[3, 2][..]));
    assert_eq!(y.to_vec::<f32>().unwrap(), expected.to_vec::<f32>().unwrap());
    y.sum((), false).unwrap().backward().unwrap();
    let traced = weights[0].grad().expect("a gradient").to_vec::<f32>().unwrap();
    weights[0].set_grad(None);
    expected.sum((), false).unwrap().backward().unwrap();
    assert_eq!(traced, weights[0].grad().unwrap().to_vec::<f32>().unwrap());
}

#[test]
fn values_are_taken_once() {
    cpu();
    let m = shaped();
    let (w, again) = (m.take(0).expect("the weight"), m.take(0));
    assert_eq!((w.dtype, &w.shape[..], w.bytes.len(), again), (DType::F32, &[2, 3][..], 24, None));
}

/// A graph of every kind of primitive.
fn written() -> (Vec<u8>, Vec<Tensor>) {
    let x = Tensor::from_slice(&[0.5f32, -1.0, 2.0, 3.0, 4.0, 5.0], &[2, 3]).unwrap();
    let i = Tensor::from_slice(&[1i32, 0], &[2]).unwrap();
    let image = x.reshape(&[1, 1, 2, 3]).unwrap().pad(&[(0, 0), (0, 0), (1, 1), (1, 1)], 0.0).unwrap();
    let windows = image.unfold(2, 2, 1).unwrap().sum(-1, false).unwrap();
    let y = x.exp().unwrap().flip(1).unwrap().t().matmul(&x).unwrap().cumsum(0).unwrap();
    let z = x.index(&i).unwrap().gt(1.0).unwrap().where_(&x, 0.0).unwrap().softmax(1).unwrap();
    let outputs = [y.node(), z.node(), windows.node(), x.cummax(1).unwrap().0.node()];
    (write_graph(&outputs, &[x.node(), i.node()]).0, vec![x, i])
}

#[test]
fn a_written_graph_is_the_same_nodes() {
    cpu();
    let (bytes, leaves) = written();
    let nodes: Vec<_> = leaves.iter().map(Tensor::node).collect();
    let made = read_graph(&bytes, &nodes).unwrap();
    assert_eq!(write_graph(&made, &nodes).0, bytes);
    let other = Tensor::zeros(&[3, 2]).unwrap().node();
    let error = read_graph(&bytes, &[other, nodes[1].clone()]).unwrap_err();
    assert!(error.to_string().contains("[2, 3]"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn damaged_graphs_are_errors_or_graphs(at in 0usize..4096, byte: u8, cut in 0usize..4096) {
        cpu();
        let (mut bytes, leaves) = written();
        let nodes: Vec<_> = leaves.iter().map(Tensor::node).collect();
        let place = at % bytes.len();
        bytes[place] = byte;
        if cut < 512 {
            bytes.truncate(cut % bytes.len());
        }
        if let Ok(made) = read_graph(&bytes, &nodes) {
            playgrad::graph::verify(&made);
        }
    }

    #[test]
    fn any_bytes_are_an_error(bytes: Vec<u8>) {
        cpu();
        prop_assert!(read_graph(&bytes, &[]).is_err() || bytes.len() > 3);
    }
}
