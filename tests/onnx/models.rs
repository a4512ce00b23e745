//! Models that run: values, gradients, folding, what changed between opsets.

use crate::build::{F32, I64, bytes, float, floats, int, ints, list, model, node, port, tensor};
use crate::narrow::Narrow;
use playgrad::{
    Tensor,
    io::onnx::{
        Model, Size, operators,
        proto::{AttributeProto, ModelProto, NodeProto, TensorProto, attribute},
    },
    optim::{Optimizer, SgdOptions},
    runtime, schedule,
};
use std::rc::Rc;

fn cpu() {
    runtime::set_default("cpu").expect("the cpu device");
}

fn load(m: &ModelProto) -> Model {
    Model::load(&bytes(m)).unwrap_or_else(|e| panic!("{e}"))
}

/// The only output for the input `x`.
fn run(m: &ModelProto, x: &Tensor) -> Tensor {
    load(m).run(&[("x", x)]).unwrap_or_else(|e| panic!("{e}")).remove(0)
}

fn values(t: &Tensor) -> Vec<f32> {
    t.to_vec().expect("float32 values")
}

fn xy(opset: i64, initial: Vec<TensorProto>, nodes: Vec<NodeProto>) -> ModelProto {
    model(opset, vec![port("x", F32, &["n", "?"])], vec![port("y", F32, &["?"])], initial, nodes)
}

#[test]
fn the_table_is_sorted_by_name() {
    let names: Vec<&str> = operators().map(|(name, ..)| name).collect();
    assert!(names.is_sorted() && names.len() >= 80, "{} operators", names.len());
    assert!(operators().all(|(_, first, last)| 7 <= first && first <= last && last <= 22));
}

#[test]
fn gradients_flow_to_the_shared_weights() {
    cpu();
    let dense = xy(
        17,
        vec![floats("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0]), floats("b", &[2], &[0.5, -9.0])],
        vec![node("Gemm", "x w b", "h", &[]), node("Relu", "h", "y", &[])],
    );
    let model = load(&dense);
    assert_eq!(model.inputs()[0].shape, Some(vec![Size::Named("n".into()), Size::Any]));
    assert_eq!(model.parameters().keys().collect::<Vec<_>>(), ["b", "w"]);
    let x = Tensor::from_slice(&[1.0f32, 1.0], &[1, 2]).unwrap();
    let y = model.run(&[("x", &x)]).unwrap().remove(0);
    assert_eq!(values(&y), [4.5, 0.0]);
    y.sum((), false).unwrap().backward().unwrap();
    let grad = |name: &str| values(&model.parameters()[name].grad().expect("a gradient"));
    assert_eq!((grad("w"), grad("b")), (vec![1.0, 0.0, 1.0, 0.0], vec![1.0, 0.0]));

    let w = &model.parameters()["w"];
    w.assign(&w.mul(2.0).unwrap()).unwrap();
    let y = model.run(&[("x", &x)]).unwrap().remove(0);
    assert_eq!(values(&y), [8.5, 3.0], "the next run reads the new weight");
}

#[test]
fn an_optimizer_trains_the_model() {
    cpu();
    let line = xy(13, vec![floats("w", &[1, 1], &[0.0])], vec![node("MatMul", "x w", "y", &[])]);
    let model = load(&line);
    let x = Tensor::from_slice(&[1.0f32, 2.0], &[2, 1]).unwrap();
    let target = x.mul(3.0).unwrap();
    let weights: Vec<Tensor> = model.parameters().values().cloned().collect();
    let optimizer = Optimizer::sgd(&weights, SgdOptions { lr: 0.1, ..SgdOptions::default() }).unwrap();
    for _ in 0..20 {
        optimizer.zero_grad();
        let y = model.run(&[("x", &x)]).unwrap().remove(0);
        y.sub(&target).unwrap().square().unwrap().mean((), false).unwrap().backward().unwrap();
        optimizer.step().unwrap();
    }
    let w = values(&model.parameters()["w"])[0];
    assert!((w - 3.0).abs() < 1e-3, "the weight is {w}");
}

#[test]
fn statistics_of_batch_normalization_take_no_gradient() {
    cpu();
    let ones = [1.0, 1.0];
    let lists = ["scale", "b", "mean", "var"].map(|name| floats(name, &[2], &ones)).to_vec();
    let norm =
        xy(15, lists, vec![node("BatchNormalization", "x scale b mean var", "y", &[float("epsilon", 0.0)])]);
    let model = load(&norm);
    let x = Tensor::from_slice(&[3.0f32, 5.0], &[1, 2]).unwrap();
    let y = model.run(&[("x", &x)]).unwrap().remove(0);
    assert_eq!(values(&y), [3.0, 5.0]);
    y.sum((), false).unwrap().backward().unwrap();
    let taken = |name: &str| model.parameters()[name].grad().is_some();
    assert_eq!(["scale", "b", "mean", "var"].map(taken), [true, true, false, false]);
}

#[test]
fn chains_of_shapes_are_folded_without_computing_anything() {
    cpu();
    let chain = xy(
        13,
        vec![ints("zero", &[0]), ints("rest", &[-1]), ints("one", &[1])],
        vec![
            node("Shape", "x", "s", &[]),
            node("Gather", "s zero", "n", &[]),
            node("Mul", "n one", "m", &[]),
            node("Concat", "m rest one", "to", &[int("axis", 0)]),
            node("Reshape", "x to", "y", &[]),
        ],
    );
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]).unwrap();
    let before = schedule::stats();
    let y = run(&chain, &x);
    assert_eq!(schedule::stats(), before, "nothing was computed to find the shape");
    assert_eq!(y.shape()[..], [2, 3, 1]);
}

#[test]
fn nodes_may_stand_in_any_order() {
    cpu();
    let nodes = vec![node("Neg", "h", "y", &[]), node("Abs", "x", "h", &[])];
    let x = Tensor::from_slice(&[-1.0f32, 2.0], &[1, 2]).unwrap();
    assert_eq!(values(&run(&xy(13, vec![], nodes), &x)), [-1.0, -2.0]);
}

#[test]
fn attributes_became_inputs() {
    cpu();
    let x = Tensor::from_slice(&[-2.0f32, 0.5, 3.0, 4.0], &[2, 2]).unwrap();
    let old = xy(9, vec![], vec![node("Clip", "x", "y", &[float("min", 0.0), float("max", 1.0)])]);
    let bounds = vec![floats("lo", &[], &[0.0]), floats("hi", &[], &[1.0])];
    let new = xy(13, bounds, vec![node("Clip", "x lo hi", "y", &[])]);
    for m in [old, new] {
        assert_eq!(values(&run(&m, &x)), [0.0, 0.5, 1.0, 1.0]);
    }
    let old = xy(11, vec![], vec![node("Unsqueeze", "x", "y", &[list("axes", &[0, -1])])]);
    let new = xy(13, vec![ints("axes", &[0, -1])], vec![node("Unsqueeze", "x axes", "y", &[])]);
    for m in [old, new] {
        assert_eq!(run(&m, &x).shape()[..], [1, 2, 2, 1]);
    }
    let last = ["starts", "ends", "axes"].into_iter().zip([[1], [i64::MAX], [-1]]);
    let old = xy(
        7,
        vec![],
        vec![node("Slice", "x", "y", &last.clone().map(|(n, v)| list(n, &v)).collect::<Vec<_>>())],
    );
    let new =
        xy(13, last.map(|(n, v)| ints(n, &v)).collect(), vec![node("Slice", "x starts ends axes", "y", &[])]);
    for m in [old, new] {
        assert_eq!(values(&run(&m, &x)), [0.5, 4.0]);
    }
}

#[test]
fn softmax_joined_its_axes_before_opset_13() {
    cpu();
    let x = Tensor::zeros(&[2, 2]).unwrap().reshape(&[1, 2, 2]).unwrap();
    let three = |opset: i64| {
        let input = vec![port("x", F32, &["1", "2", "2"])];
        model(opset, input, vec![port("y", F32, &[])], vec![], vec![node("Softmax", "x", "y", &[])])
    };
    assert_eq!(values(&run(&three(12), &x)), [0.25; 4]);
    assert_eq!(values(&run(&three(13), &x)), [0.5; 4]);
}

#[test]
fn convolutions_pad_as_asked() {
    cpu();
    let image = vec![port("x", F32, &["1", "1", "3", "3"])];
    let out = vec![port("y", F32, &[])];
    let kernel = vec![floats("w", &[1, 1, 2, 2], &[1.0; 4])];
    let upper = tensor_text("auto_pad", "SAME_UPPER");
    let x = Tensor::ones(&[1, 1, 3, 3]).unwrap();
    let same =
        model(11, image.clone(), out.clone(), kernel.clone(), vec![node("Conv", "x w", "y", &[upper])]);
    assert_eq!(values(&run(&same, &x)), [4.0, 4.0, 2.0, 4.0, 4.0, 2.0, 2.0, 2.0, 1.0]);
    // pads: top, left, bottom, right.
    let pads = list("pads", &[1, 0, 0, 0]);
    let padded = model(11, image, out, kernel, vec![node("Conv", "x w", "y", &[pads])]);
    assert_eq!(values(&run(&padded, &x)), [2.0, 2.0, 4.0, 4.0, 4.0, 4.0]);
}

fn tensor_text(name: &str, text: &str) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        s: Some(text.as_bytes().to_vec()),
        r#type: attribute::STRING,
        ..Default::default()
    }
}

#[test]
fn constants_take_no_gradient_and_need_no_input() {
    cpu();
    let three = tensor("value", floats("", &[3], &[1.0, 2.0, 3.0]));
    let nodes = vec![node("Constant", "", "k", &[three]), node("Mul", "k k", "y", &[])];
    let alone = model(13, vec![], vec![port("y", F32, &["3"])], vec![], nodes);
    let y = load(&alone).run(&[]).unwrap().remove(0);
    assert_eq!(values(&y), [1.0, 4.0, 9.0]);
    assert!(y.sum((), false).unwrap().backward().is_err(), "nothing to train");
}

#[test]
fn integers_stay_integers() {
    cpu();
    let two = model(
        13,
        vec![port("x", I64, &["3"])],
        vec![port("y", I64, &["3"])],
        vec![ints("two", &[2])],
        vec![node("Div", "x two", "y", &[])],
    );
    let x = Tensor::from_slice(&[5i64, -5, i64::MAX], &[3]).unwrap();
    assert_eq!(run(&two, &x).to_vec::<i64>().unwrap(), [2, -2, i64::MAX / 2]);
}

#[test]
fn lengths_are_normalized_and_zeros_stay() {
    cpu();
    let x = Tensor::from_slice(&[3.0f32, 4.0, 0.0, 0.0], &[2, 2]).unwrap();
    for (p, expected) in [(2, [0.6, 0.8, 0.0, 0.0]), (1, [3.0 / 7.0, 4.0 / 7.0, 0.0, 0.0])] {
        let m = xy(13, vec![], vec![node("LpNormalization", "x", "y", &[int("p", p)])]);
        assert_eq!(values(&run(&m, &x)), expected);
    }
}

#[test]
fn where_a_device_has_no_int64_int32_stands_for_it() {
    runtime::register("null", Ok(Rc::new(Narrow::default())));
    runtime::set_default("null").expect("the device");
    let m = model(
        13,
        vec![port("x", I64, &["3"])],
        vec![port("y", I64, &[])],
        vec![ints("two", &[2, i64::MAX, 2])],
        vec![node("Mul", "x two", "m", &[]), node("ArgMax", "m", "at", &[]), node("Add", "m at", "y", &[])],
    );
    let x = Tensor::from_slice(&[5i64, 0, -1], &[3]).unwrap();
    assert_eq!(run(&m, &x).to_vec::<i32>().unwrap(), [10, 0, -2]);
}
