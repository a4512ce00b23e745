//! Models of ours as ONNX files, which our own import reads again. With `PLAYGRAD_ONNX_OUT` set to a folder they are
//! kept there with inputs and outputs, for `tests/onnx/run.py` to give to onnxruntime.

use playgrad::{
    DType, Result, Tensor,
    io::{
        Notes,
        onnx::{Model, save_onnx},
        save_safetensors,
    },
    nn::{self, Module, StateDict},
    runtime,
    tensor::{Conv2dOptions, Pool2dOptions, block_on},
};

type Forward<'a> = &'a dyn Fn(&[Tensor]) -> Result<Tensor>;

/// Values that no seed changes, between -1 and 1.
fn spread(shape: &[usize], seed: usize) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f32> =
        (0..n).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect();
    Tensor::from_slice(&values, shape).expect("values")
}

fn close(name: &str, a: &Tensor, b: &Tensor) {
    let [a, b] = [a, b].map(|t| t.cast(DType::F32).and_then(|t| t.to_vec::<f32>()).expect("values"));
    let worst = a.iter().zip(&b).map(|(x, y)| (x - y).abs() / y.abs().max(1.0)).fold(0.0, f32::max);
    assert!(a.len() == b.len() && worst <= 1e-4, "{name}: {worst} apart");
}

/// Exports, imports, compares; the operators the file has.
fn check(name: &str, inputs: &[Tensor], weights: &StateDict, forward: Forward) -> Vec<String> {
    runtime::set_default("cpu").expect("the cpu device");
    let expected = forward(inputs).unwrap_or_else(|e| panic!("{name}: {e}"));
    let names: Vec<String> = (0..inputs.len()).map(|i| format!("x{i}")).collect();
    let named: Vec<(&str, &Tensor)> = names.iter().map(String::as_str).zip(inputs).collect();
    let file = save_onnx(&named, &[("y", &expected)], weights).unwrap_or_else(|e| panic!("{name}: {e}"));
    let model = Model::load(&file).unwrap_or_else(|e| panic!("{name}: {e}"));
    let again = model.run(&named).unwrap_or_else(|e| panic!("{name}: {e}")).remove(0);
    assert_eq!(again.shape(), expected.shape(), "{name}");
    close(name, &again, &expected);
    if let Ok(folder) = std::env::var("PLAYGRAD_ONNX_OUT") {
        let mut all: StateDict = named.iter().map(|(n, t)| (n.to_string(), (*t).clone())).collect();
        all.insert("y".into(), expected);
        let values = block_on(save_safetensors(&all, &Notes::new())).expect("a file");
        std::fs::write(format!("{folder}/{name}.onnx"), file).expect("a folder to write to");
        std::fs::write(format!("{folder}/{name}.safetensors"), values).expect("a folder to write to");
    }
    model.operators().map(str::to_string).collect()
}

fn one(x: &Tensor) -> &[Tensor] {
    std::slice::from_ref(x)
}

fn count(operators: &[String], name: &str) -> usize {
    operators.iter().filter(|op| *op == name).count()
}

#[test]
fn products_are_matmul_and_windows_are_conv() {
    runtime::set_default("cpu").unwrap();
    let (one, two) = (nn::Linear::new(8, 16, true).unwrap(), nn::Linear::new(16, 4, true).unwrap());
    let mut weights = StateDict::new();
    weights.extend(one.tensors().into_iter().map(|(n, t)| (format!("0.{n}"), t)));
    weights.extend(two.tensors().into_iter().map(|(n, t)| (format!("2.{n}"), t)));
    let mlp = |x: &[Tensor]| two.forward(&one.forward(&x[0])?.relu()?)?.softmax(-1);
    let operators = check("mlp", &[spread(&[5, 8], 1)], &weights, &mlp);
    assert_eq!((count(&operators, "MatMul"), count(&operators, "ReduceSum")), (2, 1), "{operators:?}");

    let w = [spread(&[6, 3, 3, 3], 2), spread(&[6, 1, 3, 3], 3), spread(&[4, 6, 1, 1], 4)];
    let weights = ["a", "b", "c"].map(String::from).into_iter().zip(w.clone()).collect();
    let cnn = |x: &[Tensor]| {
        let options = |stride, padding, groups| Conv2dOptions {
            stride: vec![stride],
            padding: vec![padding],
            groups,
            ..Conv2dOptions::default()
        };
        let h = x[0].conv2d(&w[0], None, options(2, 1, 1))?.relu()?;
        let h = h.conv2d(&w[1], Some(&spread(&[6], 5)), options(1, 0, 6))?;
        let h = h.conv2d(&w[2], None, options(1, 0, 1))?;
        let pooled = h.max_pool2d(&[2, 2], Pool2dOptions::default())?;
        let wide = h.max_pool2d(
            &[3, 3],
            Pool2dOptions { stride: Some(vec![2]), padding: vec![1], ..Pool2dOptions::default() },
        )?;
        let mean = h.avg_pool2d(&[2, 2], Pool2dOptions { padding: vec![1], ..Pool2dOptions::default() })?;
        pooled.flatten(1)?.add(wide.mean((), false)?)?.add(mean.sum((), false)?)
    };
    let operators = check("cnn", &[spread(&[2, 3, 13, 11], 6)], &weights, &cnn);
    assert_eq!((count(&operators, "Conv"), count(&operators, "Gather")), (3, 2), "{operators:?}");
}

#[test]
fn attention_and_norms() {
    let (q, k, v) = (spread(&[2, 4, 6, 8], 1), spread(&[2, 4, 6, 8], 2), spread(&[2, 4, 6, 8], 3));
    let attention = |x: &[Tensor]| {
        let scores = x[0].matmul(&x[1].transpose(-1, -2)?)?.mul(0.35)?;
        let mask = Tensor::ones(&[6, 6])?.tril(0)?.bool()?;
        mask.where_(&scores, -1e9)?.softmax(-1)?.matmul(&x[2])
    };
    let operators = check("attention", &[q, k, v], &StateDict::new(), &attention);
    assert_eq!(count(&operators, "MatMul"), 2, "{operators:?}");

    let (w, b) = (spread(&[8], 4), spread(&[8], 5));
    let weights = [("w".to_string(), w.clone()), ("b".to_string(), b.clone())].into();
    check("norm", &[spread(&[3, 5, 8], 6)], &weights, &|x| {
        let n = x[0].layer_norm(-1, 1e-5)?.mul(&w)?.add(&b)?;
        n.gelu()?.add(n.tanh()?)?.add(n.sigmoid()?)?.logsumexp(-1, true)
    });
}

#[test]
fn every_primitive() {
    let x = spread(&[4, 6], 1);
    let i = Tensor::from_slice(&[3i32, 0, -2, 9], &[4]).unwrap();
    check("math", one(&x), &StateDict::new(), &|x| {
        let a = x[0].abs()?.add(0.5)?;
        a.sqrt()?
            .add(a.log()?)?
            .add(a.reciprocal()?)?
            .add(x[0].sin()?)?
            .add(a.mul(7.3)?.trunc()?)?
            .add(x[0].exp2()?)
    });
    check("views", one(&x), &StateDict::new(), &|x| {
        let a = x[0].t().flip(0)?.pad(&[(1, 0), (2, 1)], 0.5)?;
        a.unfold(0, 3, 2)?
            .permute(&[2, 0, 1])?
            .prod(0, false)?
            .add(a.shrink(&[(1, 4), (0, 7)])?.max((), false)?)
    });
    check("index", &[x.clone(), i.clone()], &StateDict::new(), &|x| {
        let rows = x[0].index(&x[1].clip(-4, 3)?)?;
        let hot = x[1].clip(0, 5)?.one_hot(6)?.float()?;
        rows.add(x[0].gather(1, &x[1].clip(0, 3)?.reshape(&[4, 1])?.expand(&[4, 6])?)?)?.add(hot)
    });
    check("integers", one(&i), &StateDict::new(), &|x| {
        let i = &x[0];
        let divided =
            i.mul(7)?.idiv(3)?.add(i.mul(5)?.rem(4)?)?.add(i.bitwise_and(6)?)?.sub(i.bitwise_or(1)?)?;
        divided.add(i.lt(2)?.mul(i.ne(0)?)?.int()?)?.float()?.mul(0.5)
    });
    check("scans", one(&x), &StateDict::new(), &|x| {
        x[0].cumsum(1)?.add(x[0].cummax(0)?.0)?.add(x[0].cumprod(1)?)
    });
    check("transposed", &[spread(&[1, 2, 4, 4], 2)], &StateDict::new(), &|x| {
        let w = spread(&[2, 3, 3, 3], 3);
        let options = Conv2dOptions { stride: vec![2], padding: vec![1], ..Conv2dOptions::default() };
        x[0].conv_transpose2d(&w, None, options, &[1])
    });
    check("constant", &[x], &StateDict::new(), &|x| {
        x[0].mul(0.0)?.add(Tensor::arange(0.0, 6.0, 1.0, DType::F32)?)
    });
}

#[test]
fn what_onnx_cannot_compute_is_an_error() {
    runtime::set_default("cpu").unwrap();
    let x = Tensor::from_slice(&[1i32, 2], &[2]).unwrap();
    let y = x.rshift(1).unwrap();
    let error = save_onnx(&[("x", &x)], &[("y", &y)], &StateDict::new()).unwrap_err();
    assert!(error.to_string().contains("Shr"), "{error}");
    let error = save_onnx(&[("x", &x)], &[("x", &x)], &StateDict::new()).unwrap_err();
    assert!(error.to_string().contains("\"x\" twice"), "{error}");
}
