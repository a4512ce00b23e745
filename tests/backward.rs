//! What a gradient is at kinks, and who receives one.

use playgrad::{Kind, Result, Tensor, grad, manual_seed, tensor::with_training};

#[test]
fn special_points_follow_pytorch() {
    let at = |values: &[f32], f: fn(&Tensor) -> Result<Tensor>| {
        let x = Tensor::from_slice(values, &[values.len()]).unwrap();
        let loss = f(&x).unwrap().sum((), false).unwrap();
        grad(&loss, &[&x]).unwrap()[0].to_vec::<f32>().unwrap()
    };
    assert_eq!(at(&[0.0, -1.0], |x| x.relu()), [0.0, 0.0]);
    assert_eq!(at(&[0.0], |x| x.abs()), [0.0]);
    assert_eq!(at(&[0.0], |x| x.softplus()), [0.5]);
    assert_eq!(at(&[0.5, -0.5], |x| x.clip(-0.5, 0.5)), [1.0, 1.0]);
    assert_eq!(at(&[0.0, 4.0], |x| x.pow(1.5)), [0.0, 3.0]);
    assert_eq!(at(&[0.0, 2.0, 3.0], |x| x.prod((), false)), [6.0, 0.0, 0.0]);
    assert_eq!(at(&[100.0, -200.0], |x| x.elu(1.0)), [1.0, 0.0]);
    assert_eq!(at(&[3.0, 3.0, 1.0], |x| x.max((), false)), [0.5, 0.5, 0.0]);
    assert_eq!(at(&[1.5, -0.5], |x| x.floor()), [0.0, 0.0]);
}

#[test]
fn only_tensors_that_require_it_receive_a_gradient() {
    let x = Tensor::from_slice(&[1f32, 2.0], &[2]).unwrap();
    let w = Tensor::from_slice(&[3f32, 4.0], &[2]).unwrap();
    w.set_requires_grad(true).unwrap();
    x.mul(&w).unwrap().sum((), false).unwrap().backward().unwrap();
    assert!(x.grad().is_none());
    assert_eq!(w.grad().unwrap().to_vec::<f32>().unwrap(), [1.0, 2.0]);
}

#[test]
fn equal_parameters_stay_apart() {
    let (a, b) = (Tensor::zeros(&[2]).unwrap(), Tensor::zeros(&[2]).unwrap());
    a.set_requires_grad(true).unwrap();
    b.set_requires_grad(true).unwrap();
    a.mul(2).unwrap().add(b.mul(3).unwrap()).unwrap().sum((), false).unwrap().backward().unwrap();
    assert_eq!(a.grad().unwrap().to_vec::<f32>().unwrap(), [2.0, 2.0]);
    assert_eq!(b.grad().unwrap().to_vec::<f32>().unwrap(), [3.0, 3.0]);
}

#[test]
fn a_read_value_keeps_its_history() {
    let w = Tensor::from_slice(&[3f32], &[1]).unwrap();
    w.set_requires_grad(true).unwrap();
    let y = w.square().unwrap();
    assert_eq!(y.to_vec::<f32>().unwrap(), [9.0]);
    y.sum((), false).unwrap().backward().unwrap();
    assert_eq!(w.grad().unwrap().to_vec::<f32>().unwrap(), [6.0]);
}

#[test]
fn dropout_scales_what_it_keeps() {
    manual_seed(3);
    let values: Vec<f32> = (0..1000).map(|i| 1.0 + i as f32 / 1000.0).collect();
    let x = Tensor::from_slice(&values, &[1000]).unwrap();
    let y = with_training(true, || x.dropout(0.25).unwrap());
    let loss = y.sum((), false).unwrap();
    let slopes = grad(&loss, &[&x]).unwrap()[0].to_vec::<f32>().unwrap();
    let kept = slopes.iter().filter(|s| **s > 0.0).count();
    assert!(slopes.iter().all(|s| *s == 0.0 || (s - 4.0 / 3.0).abs() < 1e-6));
    assert!((700..800).contains(&kept), "{kept}");
    assert_eq!(x.dropout(0.25).unwrap().to_vec::<f32>().unwrap(), x.to_vec::<f32>().unwrap());
}

#[test]
fn mistakes_are_errors() {
    let (x, y) = (Tensor::ones(&[2]).unwrap().contiguous(), Tensor::ones(&[2]).unwrap());
    let loss = x.square().unwrap().sum((), false).unwrap();
    assert_eq!(grad(&loss, &[&x, &y]).unwrap_err().kind, Kind::Argument);
    assert_eq!(grad(&x, &[&x]).unwrap_err().kind, Kind::Shape);
    assert_eq!(x.int().unwrap().set_requires_grad(true).unwrap_err().kind, Kind::DType);
    assert_eq!(loss.int().unwrap().backward().unwrap_err().kind, Kind::DType);
}
