//! Kernels of the user's: on the CPU, as CUDA C++ through g++ and NVRTC, on a Vulkan device where there is one.

#[cfg(feature = "cuda")]
#[path = "cuda/device.rs"]
mod device;

#[path = "custom/kernels.rs"]
mod kernels;

use kernels::mymuladd;
use playgrad::{
    Error, Kind, Result, Tensor,
    optim::{Optimizer, SgdOptions},
    runtime,
    tensor::{CustomKernel, gradcheck},
};

/// Sums of rows: the gradient is another kernel.
fn row_sums() -> CustomKernel {
    let back = std::rc::Rc::new(
        CustomKernel::new("spread", &["g", "x"])
            .wgsl("out[i] = g[i / x_shape[1]];")
            .cuda("out[i] = g[i / x_shape[1]];")
            .shape(|s| s[1].to_vec())
            .cpu(|k| {
                let (g, n) = (k.input::<f32>(0)?, k.shape(1)[1]);
                k.output::<f32>()?.iter_mut().enumerate().for_each(|(i, out)| *out = g[i / n]);
                Ok(())
            })
            .backward(|g, _, _| Ok(vec![Some(g.sum(1, false)?), None])),
    );
    CustomKernel::new("row_sums", &["x"])
        .wgsl(
            "var sum = 0.0; // x[0] in a comment stays\nfor (var j = 0u; j < x_shape[1]; j++) {\n  sum += x[i * \
             x_shape[1] + j];\n}\nout[i] = sum;",
        )
        .cuda(
            "float sum = 0;\nfor (unsigned j = 0; j < x_shape[1]; j++) sum += x[i * x_shape[1] + j];\nout[i] = sum;",
        )
        .shape(|s| vec![s[0][0]])
        .cpu(|k| {
            let rows = k.input::<f32>(0)?.chunks(k.shape(0)[1]);
            k.output::<f32>()?.iter_mut().zip(rows).for_each(|(out, row)| *out = row.iter().sum());
            Ok(())
        })
        .backward(move |g, x, _| Ok(vec![Some(back.call(&[g, &x[0]])?)]))
}

fn values(n: usize, seed: u32) -> Tensor {
    playgrad::manual_seed(seed);
    let x = Tensor::uniform(&[2, n / 2], -1.0, 1.0).unwrap();
    Tensor::from_slice(&x.to_vec::<f32>().unwrap(), &[2, n / 2]).unwrap()
}

fn close(got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).for_each(|(g, w)| assert!((g - w).abs() < 1e-5, "{got:?}, not {want:?}"));
}

/// Kernels between fused operations, with their gradients, twice derived, in a step that is replayed.
fn works() {
    let (a, b, c) = (values(600, 1), values(600, 2), values(600, 3));
    a.set_requires_grad(true).unwrap();
    let kernel = mymuladd();
    let run = |f: &dyn Fn(&[&Tensor]) -> Result<Tensor>| -> Vec<Vec<f32>> {
        let y = f(&[&a.mul(2.0).unwrap(), &b, &c.t().exp().unwrap().t()]).unwrap();
        let loss = y.square().unwrap().sum((), false).unwrap();
        let first = loss.gradient(&[&a, &b, &c], None, false).unwrap();
        let second = first[0].square().unwrap().sum((), false).unwrap();
        let second = second.gradient(&[&a, &b], None, false).unwrap();
        [y].iter().chain(&first).chain(&second).map(|t| t.to_vec().unwrap()).collect()
    };
    let got = run(&|x| kernel.call(x));
    let want = run(&|x| x[0].mul(x[1])?.add(x[2]));
    got.iter().zip(&want).for_each(|(g, w)| {
        g.iter().zip(w).for_each(|(g, w)| assert!((g - w).abs() <= 1e-4 * w.abs().max(1.0), "{g} {w}"));
    });
    let sums = row_sums();
    let loss = sums.call(&[&a]).unwrap().square().unwrap().sum((), false).unwrap();
    let got = loss.gradient(&[&a], None, false).unwrap()[0].to_vec::<f32>().unwrap();
    let want = a.sum(1, true).unwrap().mul(2.0).unwrap().expand(&[2, 300]).unwrap();
    got.iter().zip(want.to_vec::<f32>().unwrap()).for_each(|(g, w)| assert!((g - w).abs() < 1e-3));
    close(&kernel.call(&[&a, &a, &a]).unwrap().to_vec::<f32>().unwrap()[..1], &{
        let x = a.to_vec::<f32>().unwrap()[0];
        [x * x + x]
    });
    let ones = Tensor::ones(&[2, 300]).unwrap();
    let mixed = CustomKernel::new("mixed", &["x", "n"])
        .wgsl("out[i] = x[i] + f32(n[i]);")
        .cuda("out[i] = x[i] + n[i];");
    let mixed = mixed.cpu(|k| {
        let (x, n) = (k.input::<f32>(0)?, k.input::<i32>(1)?);
        k.output::<f32>()?.iter_mut().enumerate().for_each(|(i, out)| *out = x[i] + n[i] as f32);
        Ok(())
    });
    let n = Tensor::from_slice(&(0..600).collect::<Vec<i32>>(), &[2, 300]).unwrap();
    let got = mixed.call(&[&ones, &n]).unwrap().to_vec::<f32>().unwrap();
    assert_eq!(got[599], 600.0);
    examples();
}

/// The four kernels and inputs for them.
fn four() -> [(&'static str, CustomKernel, Vec<Tensor>); 4] {
    let of = |shape: &[usize], seed| {
        playgrad::manual_seed(seed);
        Tensor::from_slice(&Tensor::uniform(shape, -1.0, 1.0).unwrap().to_vec::<f32>().unwrap(), shape)
            .unwrap()
    };
    [
        ("add2", kernels::add2(), vec![of(&[3, 100], 1), of(&[3, 100], 2)]),
        ("mymuladd", mymuladd(), vec![of(&[300], 1), of(&[300], 2), of(&[300], 3)]),
        ("lltm", kernels::lltm(), vec![of(&[5, 21], 1), of(&[5, 7], 2)]),
        ("rms_norm", kernels::rms_norm(), vec![of(&[6, 130], 1), of(&[130], 2)]),
    ]
}

/// Values and gradients of the four kernels are those of the engine's own operations.
fn examples() {
    for (name, kernel, x) in four() {
        let run = |f: &dyn Fn(&[&Tensor]) -> Result<Tensor>| -> Result<Vec<Vec<f32>>> {
            let x: Vec<&Tensor> = x.iter().collect();
            let y = f(&x)?;
            let loss = y.mul(y.add(0.5)?)?.sum((), false)?;
            [y].iter().chain(&loss.gradient(&x, None, false)?).map(|t| t.to_vec()).collect()
        };
        let got = run(&|x| kernel.call(x)).unwrap();
        let want = run(&|_| kernels::plain(name, &x)).unwrap();
        for (g, w) in got.iter().flatten().zip(want.iter().flatten()) {
            assert!((g - w).abs() <= 2e-4 * w.abs().max(1.0), "{name}: {g}, not {w}");
        }
    }
}

#[test]
#[cfg(feature = "cuda")]
fn cuda_texts_compile() {
    use playgrad::{render, runtime::cuda::Nvrtc};
    runtime::set_default("cpu").unwrap();
    let nvrtc = match Nvrtc::find() {
        Ok(nvrtc) => nvrtc,
        Err(why) => return println!("CUDA texts are not compiled: {why}"),
    };
    let target = render::Target { lang: &render::CUDA, emulated: false, lanes: 1, matrices: None };
    for (name, kernel, x) in four() {
        let text = kernel.rendered(&x.iter().collect::<Vec<_>>(), target).unwrap();
        nvrtc.cubin(&text, "sm_90").unwrap_or_else(|why| panic!("{name}: {why}\n{text}"));
    }
    let wrong = CustomKernel::new("wrong", &["a"]).cuda("float x = a[i];\nout[i] = nothing;");
    let log = nvrtc.cubin(&wrong.rendered(&[&values(4, 1)], target).unwrap(), "sm_90").unwrap_err();
    assert!(log.starts_with("wrong(2): error: identifier \"nothing\" is undefined"), "{log}");
}

#[test]
fn on_the_cpu() {
    runtime::set_default("cpu").unwrap();
    works();
}

#[test]
#[cfg(feature = "wgpu")]
fn on_a_gpu() {
    let Some(name) = ["vulkan", "metal"].into_iter().find(|n| runtime::device(n).is_ok()) else {
        return println!("no GPU: {}", runtime::device("vulkan").err().unwrap());
    };
    runtime::set_default(name).unwrap();
    works();
    let wrong = |text: &str| {
        let kernel = CustomKernel::new("wrong", &["a"]).wgsl(text);
        let error = kernel.call(&[&values(4, 1)]).unwrap().to_vec::<f32>().unwrap_err();
        assert_eq!(error.kind, Kind::Kernel, "{error}");
        println!("{error}");
        let place = error.place.expect("the compiler says where");
        (place.line, place.column)
    };
    assert_eq!(wrong("let x = a[i];\nout[i] = a[i] + nothing;"), (2, 17));
    assert_eq!(wrong("out[i] = a[i] * (a[i] + 1u);").0, 1);
    assert_eq!(wrong("  a[i] = 1.0;").0, 1);
    assert_eq!(wrong("out[i] = a[i]").0, 1);
}

#[test]
#[cfg(feature = "cuda")]
fn as_cuda() {
    let shim = match device::install() {
        Ok(shim) => shim,
        Err(why) => return println!("cuda on the CPU: skipped, {why}"),
    };
    shim.collect(works);
    works();
    assert!(shim.ran() > 5, "{} launches", shim.ran());
}

fn error(result: Result<Tensor>) -> Error {
    result.and_then(|t| t.to_vec::<f32>()).unwrap_err()
}

#[test]
fn errors() {
    runtime::set_default("cpu").unwrap();
    let x = values(4, 1);
    let none = CustomKernel::new("none", &["a"]).wgsl("out[i] = a[i];");
    assert_eq!(error(none.call(&[&x])).kind, Kind::Device);
    assert_eq!(error(none.call(&[&x, &x])).kind, Kind::Argument);
    assert_eq!(error(CustomKernel::new("i", &["out"]).call(&[&x])).kind, Kind::Argument);
    let whole = CustomKernel::new("whole", &["a"]).wgsl("@compute @workgroup_size(1) fn f() {}");
    assert!(error(whole.call(&[&x])).to_string().contains("groups"));
    let kernel = CustomKernel::new("constant", &["a"]).cpu(|k| {
        k.output::<f32>()?.fill(1.0);
        Ok(())
    });
    let y = kernel.call(&[&x]).unwrap().sum((), false).unwrap();
    assert!(y.gradient(&[&x], None, false).unwrap_err().to_string().contains("no gradient"));
    let y = x.clone();
    let nested = CustomKernel::new("nested", &["a"]).cpu(move |_| y.add(1.0)?.to_vec::<f32>().map(|_| ()));
    assert!(error(nested.call(&[&x])).to_string().contains("computes tensors"));
    let wrong = CustomKernel::new("wrong", &["a"]).cpu(|k| k.input::<i32>(0).map(|_| ()));
    assert_eq!(error(wrong.call(&[&x])).kind, Kind::DType);
}

#[test]
fn checked_runs_show_what_was_written() {
    runtime::set_default("cpu").unwrap();
    let half = CustomKernel::new("half", &["a"]).cpu(|k| {
        k.output::<f32>()?[..2].fill(1.0);
        Ok(())
    });
    let bytes = half.checked(&[&values(4, 1)]).unwrap().to_vec::<u8>().unwrap();
    assert_eq!(bytes.len(), 256 + 16 + 256);
    let fill = 0x7fc1_2345u32.to_le_bytes();
    let elements: Vec<bool> = bytes.chunks(4).map(|e| e != fill).collect();
    assert_eq!(elements.iter().filter(|e| **e).count(), 2);
    assert!(elements[64] && elements[65]);
}

#[test]
fn gradients_are_those_by_differences() {
    runtime::set_default("cpu").unwrap();
    for (_, kernel, x) in four() {
        let call = |x: &[Tensor]| kernel.call(&x.iter().collect::<Vec<_>>());
        playgrad::tensor::block_on(gradcheck(call, &x.iter().collect::<Vec<_>>(), None)).unwrap();
    }
}

#[test]
fn a_step_with_a_kernel_trains() {
    runtime::set_default("cpu").unwrap();
    let kernel = mymuladd();
    let (w, x, y) = (values(8, 4), values(8, 5), values(8, 6));
    w.set_requires_grad(true).unwrap();
    let zero = Tensor::zeros(&[2, 4]).unwrap();
    let options = SgdOptions { lr: 0.5, ..SgdOptions::default() };
    let sgd = Optimizer::sgd(std::slice::from_ref(&w), options).unwrap();
    let losses: Vec<f32> = (0..30)
        .map(|_| {
            let loss =
                kernel.call(&[&w, &x, &zero]).unwrap().sub(&y).unwrap().square().unwrap().sum((), false);
            let loss = loss.unwrap();
            sgd.zero_grad();
            loss.backward().unwrap();
            sgd.step().unwrap();
            loss.item().unwrap() as f32
        })
        .collect();
    assert!(losses[29] < 0.5 * losses[0], "{losses:?}");
}
