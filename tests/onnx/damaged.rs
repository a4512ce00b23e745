//! What cannot run says why, and nothing panics.

use crate::build::{F32, I64, bytes, floats, int, ints, list, model, node, port};
use playgrad::{
    Error, Kind, Tensor,
    io::onnx::{
        Model,
        proto::{EXTERNAL, Entry, ModelProto, NodeProto, TensorProto},
    },
    runtime,
};
use proptest::prelude::*;
use std::{fs, path::Path};

fn with(opset: i64, initial: Vec<TensorProto>, nodes: Vec<NodeProto>) -> ModelProto {
    model(opset, vec![port("x", F32, &["2", "3"])], vec![port("y", F32, &[])], initial, nodes)
}

fn refused(m: &ModelProto) -> Error {
    Model::load(&bytes(m)).expect_err("an error")
}

fn says(error: &Error, words: &[&str]) {
    let text = error.to_string();
    words.iter().for_each(|word| assert!(text.contains(word), "\"{text}\" should say {word}"));
}

#[test]
fn every_unsupported_operator_is_listed_with_its_nodes() {
    let mut custom = node("Attention", "x", "c", &[]);
    custom.domain = "com.microsoft".into();
    let nodes = vec![
        node("Unknown", "x", "a", &[]),
        node("Unknown", "a", "b", &[]),
        node("Trilu", "x", "t", &[]),
        custom,
    ];
    let error = refused(&with(13, vec![], nodes));
    assert_eq!(error.kind, Kind::Argument);
    let known = [
        "Unknown (\"a_node\", \"b_node\")",
        "Trilu (\"t_node\")",
        "com.microsoft::Attention (\"c_node\")",
        "opset 13",
    ];
    says(&error, &known);
}

#[test]
fn other_opsets_are_refused() {
    for opset in [6, 23] {
        says(
            &refused(&with(opset, vec![], vec![node("Relu", "x", "y", &[])])),
            &[&format!("opset {opset}"), "7 to 22"],
        );
    }
}

#[test]
fn graphs_must_be_whole() {
    let circle = vec![node("Neg", "b", "a", &[]), node("Neg", "a", "b", &[]), node("Neg", "x", "y", &[])];
    says(&refused(&with(13, vec![], circle)), &["a circle", "Neg"]);
    says(&refused(&with(13, vec![], vec![node("Neg", "nobody", "y", &[])])), &["\"nobody\""]);
    says(&refused(&with(13, vec![], vec![node("Neg", "x", "z", &[])])), &["\"y\""]);
    let twice = vec![node("Neg", "x", "y", &[]), node("Abs", "x", "y", &[])];
    says(&refused(&with(13, vec![], twice)), &["\"y\" twice"]);
    says(&refused(&with(13, vec![], vec![node("Neg", "x", "x", &[])])), &["\"x\" twice"]);
    says(&refused(&ModelProto { graph: None, ..with(13, vec![], vec![]) }), &["no graph"]);
    assert_eq!(Model::load(b"no model at all").expect_err("an error").kind, Kind::Data);
    assert_eq!(Model::load(b"").expect_err("an error").kind, Kind::Data);
}

#[test]
fn stored_tensors_must_hold_what_they_say() {
    let relu = || vec![node("Add", "x w", "y", &[])];
    let w = |t: TensorProto| refused(&with(13, vec![t], relu()));
    says(&w(floats("w", &[2, 2], &[1.0; 3])), &["\"w\"", "3 values", "4"]);
    says(&w(TensorProto { dims: vec![5], ..ints("w", &[1, 2]) }), &["16 bytes", "40 bytes"]);
    says(&w(TensorProto { dims: vec![-1], ..ints("w", &[1]) }), &["[-1]"]);
    says(&w(TensorProto { dims: vec![i64::MAX, i64::MAX], ..ints("w", &[1]) }), &["address"]);
    says(&w(TensorProto { data_location: EXTERNAL, ..ints("w", &[1]) }), &["another file"]);
    let error = w(TensorProto { data_type: 8, ..ints("w", &[1]) });
    assert_eq!(error.kind, Kind::DType);
    says(&error, &["string", "float32"]);
}

#[test]
fn weights_may_lie_in_a_file_beside_the_model() {
    runtime::set_default("cpu").expect("the cpu device");
    let entry = |key: &str, value: &str| Entry { key: key.into(), value: value.into() };
    let w = |location: &str| TensorProto {
        data_location: EXTERNAL,
        external_data: vec![entry("location", location), entry("offset", "4"), entry("length", "12")],
        float_data: vec![],
        ..floats("w", &[3], &[])
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let values: Vec<u8> = [9.0f32, 1.0, 2.0, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    fs::write(folder.join("beside.data"), values).unwrap();
    let save = |name: &str, location: &str| {
        let m = with(13, vec![w(location)], vec![node("Add", "x w", "y", &[])]);
        fs::write(folder.join(name), bytes(&m)).unwrap();
        Model::open(folder.join(name))
    };
    let x = Tensor::zeros(&[2, 3]).unwrap();
    let y = save("beside.onnx", "beside.data").unwrap().run(&[("x", &x)]).unwrap().remove(0);
    assert_eq!(y.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    says(&save("missing.onnx", "missing.data").expect_err("an error"), &["missing.data"]);
    for outside in ["../beside.data", "/etc/hostname"] {
        says(&save("outside.onnx", outside).expect_err("an error"), &[outside, "the model's folder"]);
    }
    let short = TensorProto { dims: vec![4], ..w("beside.data") };
    let m = with(13, vec![short], vec![node("Add", "x w", "y", &[])]);
    let error = Model::load_with(&bytes(&m), |part| Ok(vec![0; part.length.unwrap() as usize]))
        .expect_err("an error");
    says(&error, &["12 bytes", "16 bytes"]);
}

#[test]
fn inputs_are_checked_by_name_dtype_and_shape() {
    let two = model(
        13,
        vec![port("a", F32, &["n", "3"]), port("b", F32, &["n", "3"])],
        vec![port("y", F32, &[])],
        vec![],
        vec![node("Add", "a b", "y", &[])],
    );
    let model = Model::load(&bytes(&two)).expect("a model");
    let (a, b) = (Tensor::ones(&[2, 3]).unwrap(), Tensor::ones(&[4, 3]).unwrap());
    let error = |inputs: &[(&str, &Tensor)]| model.run(inputs).expect_err("an error");
    says(&error(&[("a", &a)]), &["no input \"b\"", "a, b"]);
    says(&error(&[("a", &a), ("c", &a)]), &["\"c\"", "a, b"]);
    says(&error(&[("a", &a), ("b", &b)]), &["[4, 3]", "n = 2"]);
    let whole = Tensor::from_slice(&[1i32; 6], &[2, 3]).unwrap();
    let wrong = error(&[("a", &a), ("b", &whole)]);
    assert_eq!(wrong.kind, Kind::DType);
    says(&wrong, &["\"b\"", "int32", "float32"]);
}

#[test]
fn an_operators_error_names_its_node() {
    let m = with(13, vec![ints("to", &[4, 2])], vec![node("Reshape", "x to", "y", &[])]);
    let x = Tensor::ones(&[2, 3]).unwrap();
    let error = Model::load(&bytes(&m)).unwrap().run(&[("x", &x)]).expect_err("an error");
    assert_eq!(error.kind, Kind::Shape);
    says(&error, &["Reshape \"y_node\"", "[4, 2]", "[2, 3]"]);
}

/// A model with most kinds of messages, and shapes folded on the way.
fn sample() -> Vec<u8> {
    bytes(&with(
        13,
        vec![
            ints("to", &[3, -1]),
            ints("pads", &[0, 1, 1, 0]),
            ints("first", &[0]),
            ints("second", &[1]),
            floats("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0]),
        ],
        vec![
            node("Reshape", "x to", "r", &[]),
            node("MatMul", "r w", "m", &[]),
            node("Pad", "m pads", "p", &[]),
            node("Shape", "p", "s", &[]),
            node("Slice", "s first second", "e", &[]),
            node("ReduceSum", "p", "q", &[int("keepdims", 0)]),
            node("Transpose", "p", "t", &[list("perm", &[1, 0])]),
            node("Mul", "t q", "y", &[]),
        ],
    ))
}

/// Loads and builds; the values are of no interest, and may be too many to compute.
fn survives(bytes: &[u8]) {
    let x = Tensor::ones(&[2, 3]).expect("an input");
    if let Ok(model) = Model::load(bytes) {
        let named: Vec<(&str, &Tensor)> = model.inputs().iter().map(|p| (p.name.as_str(), &x)).collect();
        let _ = model.run(&named);
    }
}

#[test]
fn every_truncation_is_survived() {
    runtime::set_default("cpu").expect("the cpu device");
    let whole = sample();
    let x = Tensor::ones(&[2, 3]).unwrap();
    Model::load(&whole).unwrap().run(&[("x", &x)]).unwrap();
    (0..whole.len()).for_each(|n| survives(&whole[..n]));
}

/// Operators that read numbers while the graph is built: inputs behind `x`, and their attributes.
const HOSTILE: &[(&str, usize, &[&str], &[&str])] = &[
    ("Reshape", 1, &["allowzero"], &[]),
    ("Expand", 1, &[], &[]),
    ("Tile", 1, &[], &[]),
    ("Slice", 4, &[], &[]),
    ("Pad", 1, &[], &[]),
    ("Split", 1, &["axis"], &[]),
    ("Unsqueeze", 1, &[], &[]),
    ("Squeeze", 1, &[], &[]),
    ("ReduceSum", 1, &["keepdims"], &[]),
    ("Gather", 1, &["axis"], &[]),
    ("GatherElements", 1, &["axis"], &[]),
    ("GatherND", 1, &["batch_dims"], &[]),
    ("TopK", 1, &["axis"], &[]),
    ("Trilu", 1, &[], &[]),
    ("CumSum", 1, &["exclusive", "reverse"], &[]),
    ("OneHot", 2, &["axis"], &[]),
    ("Flatten", 0, &["axis"], &[]),
    ("Concat", 0, &["axis"], &[]),
    ("Softmax", 0, &["axis"], &[]),
    ("ArgMax", 0, &["axis"], &[]),
    ("LayerNormalization", 1, &["axis"], &[]),
    ("EyeLike", 0, &["k"], &[]),
    ("Transpose", 0, &[], &["perm"]),
    ("Shape", 0, &["start", "end"], &[]),
    ("MaxPool", 0, &["ceil_mode"], &["kernel_shape", "strides", "pads", "dilations"]),
    ("AveragePool", 0, &["ceil_mode"], &["kernel_shape", "strides", "pads", "dilations"]),
    ("Conv", 1, &["group"], &["kernel_shape", "strides", "pads", "dilations"]),
    ("ConvTranspose", 1, &["group"], &["strides", "pads", "dilations", "output_shape", "output_padding"]),
    ("DepthToSpace", 0, &["blocksize"], &[]),
    ("SpaceToDepth", 0, &["blocksize"], &[]),
    ("LRN", 0, &["size"], &[]),
    ("GroupNormalization", 2, &["num_groups"], &[]),
    ("Resize", 3, &["antialias"], &["axes"]),
];

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![-4i64..8, Just(i64::MAX), Just(i64::MIN), Just(1 << 31), Just(1 << 40), any::<i64>(),]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_are_survived(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        runtime::set_default("cpu").expect("the cpu device");
        let mut bytes = sample();
        changes.iter().for_each(|(at, byte)| { let i = at.index(bytes.len()); bytes[i] = *byte; });
        survives(&bytes);
    }

    #[test]
    fn absurd_numbers_are_survived(
        which in any::<prop::sample::Index>(),
        lists in prop::collection::vec(prop::collection::vec(number(), 0..5), 10),
        axes in 0usize..5,
        sizes in prop::collection::vec(prop_oneof![1i64..4, Just(0)], 5),
    ) {
        runtime::set_default("cpu").expect("the cpu device");
        let (op, inputs, one, many) = HOSTILE[which.index(HOSTILE.len())];
        let mut lists = lists.iter();
        let mut next = || lists.next().cloned().unwrap_or_default();
        let shape = &sizes[..axes];
        let x = vec![1.0; shape.iter().product::<i64>() as usize];
        let names: Vec<String> = (0..inputs).map(|i| format!("i{i}")).collect();
        let mut initial: Vec<TensorProto> = names.iter().map(|name| ints(name, &next())).collect();
        initial.push(floats("x", shape, &x));
        let mut attributes: Vec<_> = one.iter().map(|name| int(name, next().first().copied().unwrap_or(0))).collect();
        attributes.extend(many.iter().map(|name| list(name, &next())));
        let node = node(op, &format!("x {}", names.join(" ")), "y z", &attributes);
        survives(&bytes(&model(20, vec![], vec![port("y", I64, &[])], initial, vec![node])));
    }
}
