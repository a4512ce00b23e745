//! `playgrad onnx FILE`: what a model is made of, and how long it takes.

use crate::{args::OnnxOptions, units::seconds};
use playgrad::{
    Error, Tensor,
    io::onnx::{Model, Port, Size},
    runtime,
    tensor::{block_on, realize_all},
};
use std::{collections::BTreeMap, time::Instant};

pub fn onnx(options: &OnnxOptions) -> Result<(), Error> {
    if let Some(device) = &options.device {
        runtime::set_default(device)?;
    }
    let model = Model::open(&options.file)?;
    println!("opset {}", model.opset());
    for (what, ports) in [("input", model.inputs()), ("output", model.outputs())] {
        ports.iter().for_each(|p| println!("{what:10} {} {} {}", p.name, p.dtype, shape(p)));
    }
    let mut operators: BTreeMap<&str, usize> = BTreeMap::new();
    model.operators().for_each(|op| *operators.entry(op).or_default() += 1);
    let listed: Vec<String> = operators.iter().map(|(op, n)| format!("{op} {n}")).collect();
    println!("operators  {}", listed.join(", "));
    let numbers: usize = model.parameters().values().map(Tensor::numel).sum();
    println!("parameters {numbers} in {} tensors", model.parameters().len());

    let open = options.size.unwrap_or(1);
    let inputs = model.inputs().iter().map(|port| random(port, open)).collect::<Result<Vec<_>, _>>()?;
    let named: Vec<(&str, &Tensor)> = model.inputs().iter().map(|p| p.name.as_str()).zip(&inputs).collect();
    for (port, given) in model.inputs().iter().zip(&inputs) {
        println!("runs with  {} {:?}", port.name, given.shape().as_slice());
    }
    let run = || -> Result<f64, Error> {
        let start = Instant::now();
        let outputs = model.run(&named)?;
        realize_all(&outputs)?;
        outputs.iter().try_for_each(|t| block_on(t.data()).map(drop))?;
        Ok(start.elapsed().as_secs_f64())
    };
    let first = run()?;
    let (limit, began) = (options.seconds.unwrap_or(1.0), Instant::now());
    let mut times = vec![run()?, run()?];
    while began.elapsed().as_secs_f64() < limit {
        times.push(run()?);
    }
    times.sort_by(f64::total_cmp);
    let device = runtime::used().unwrap_or("no device");
    let median = seconds(times[times.len() / 2]);
    println!("first run  {} on {device}\nthen       {median} (median of {})", seconds(first), times.len());
    Ok(())
}

fn shape(port: &Port) -> String {
    let size = |size: &Size| match size {
        Size::Known(n) => n.to_string(),
        Size::Named(name) => name.clone(),
        Size::Any => "?".into(),
    };
    match &port.shape {
        Some(shape) => format!("[{}]", shape.iter().map(size).collect::<Vec<_>>().join(", ")),
        None => "of any shape".into(),
    }
}

/// Floats between 0 and 1; other dtypes 0 and 1, which are valid positions of most tables.
fn random(port: &Port, open: usize) -> Result<Tensor, Error> {
    let size = |size: &Size| if let Size::Known(n) = size { *n } else { open };
    let shape: Vec<usize> = port.shape.iter().flatten().map(size).collect();
    let values = Tensor::rand(&shape)?;
    let values = if port.dtype.is_float() { values } else { values.mul(2.0)? };
    values.cast(port.held())?.realize()
}
