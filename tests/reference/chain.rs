//! The compositions of cases/chain.py.

use playgrad::{
    error::Result,
    tensor::{Conv2dOptions, Pool2dOptions, Tensor},
};

pub fn run(name: &str, x: &[Tensor]) -> Result<Tensor> {
    match name {
        "chain_mlp" => {
            let hidden = x[0].matmul(&x[1])?.add(&x[2])?.relu()?;
            hidden.matmul(&x[3])?.add(&x[4])?.cross_entropy(&x[5])
        }
        "chain_attention" => {
            let scores = x[0].matmul(&x[1].transpose(-2, -1)?)?.div((x[0].shape()[2] as f64).sqrt())?;
            scores.softmax(-1)?.matmul(&x[2])
        }
        "chain_conv_pool" => {
            let activations = x[0].conv2d(&x[1], Some(&x[2]), Conv2dOptions::default())?.relu()?;
            activations.max_pool2d(&[2, 2], Pool2dOptions::default())?.flatten(1)
        }
        "chain_norm_residual" => {
            let normal = x[0].layer_norm(-1, 1e-5)?.mul(&x[1])?.add(&x[2])?;
            x[0].add(&normal.tanh()?.mul(&x[0])?)
        }
        "chain_shared" => {
            let e = x[0].exp()?;
            e.mul(&x[0].sin()?)?.add(&e)?.sum(1, false)?.mul(&x[0].mean(1, false)?)
        }
        "chain_bias_sum" => x[0].add(&x[1])?.sum(0, true)?.mul(&x[1])?.softmax(-1),
        "chain_moved" => {
            let turned = x[0].transpose(0, 1)?.flip(0)?;
            let rows = turned.shape()[0];
            turned.shrink(&[(0, rows), (1, turned.shape()[1])])?.reshape(&[-1])?.mul(2)?.relu()
        }
        "chain_layer_norm" => {
            let axes: Vec<isize> = (1..x[0].ndim() as isize).map(|i| -i).collect();
            x[0].layer_norm(axes.as_slice(), 1e-5)?.mul(&x[1])?.add(&x[2])
        }
        "chain_batch_norm" => {
            let axes: Vec<isize> = (0..x[0].ndim() as isize).filter(|i| *i != 1).collect();
            let mean = x[0].mean(axes.as_slice(), false)?;
            let inverse = x[0].var(axes.as_slice(), false, 0)?.add(1e-5)?.rsqrt()?;
            x[0].batch_norm(Some(&x[1]), Some(&x[2]), &mean, &inverse)
        }
        "chain_long_cumsum" => every(&x[0].cumsum(1)?, 1, 150),
        "chain_long_cumprod" => every(&x[0].mul(0.01)?.add(1)?.cumprod(1)?, 1, 150),
        "chain_long_cummax" => {
            let n = x[0].shape()[1];
            let ramp: Vec<f32> = (0..n).map(|i| i as f32 * 0.01).collect();
            every(&x[0].add(&Tensor::from_slice(&ramp, &[n])?)?.cummax(1)?.0, 1, 150)
        }
        "chain_long_logcumsumexp" => every(&x[0].mul(20)?.logcumsumexp(1)?, 1, 150),
        "chain_long_scan" => every(&Tensor::scan(&x[0].sigmoid()?, &x[1].sin()?, 0, true)?, 0, 100)?.tanh(),
        "chain_selective_scan" => {
            let decay = x[0].mul(&x[1].exp()?.neg()?)?.exp()?;
            let states = Tensor::scan(&decay, &x[0].mul(&x[2])?.mul(&x[3])?, 1, false)?;
            states.mul(&x[4])?.sum(3, false)
        }
        "chain_qr_reduced" => {
            let ((q, r), k) = (x[0].qr()?, x[0].shape()[1]);
            let r = r.shrink(&[(0, k), (0, k)])?;
            Tensor::cat(&[between(&q, 0, k)?.flatten(0)?, r.flatten(0)?], 0)
        }
        "chain_qr_rest" => projection(&x[0].qr()?.0, x[0].shape()[1]),
        "chain_qr_rebuilt" => {
            let (q, r) = x[0].qr()?;
            q.matmul(&r)
        }
        "chain_qr_orthogonal" => {
            let (q, _) = x[0].qr()?;
            q.transpose(-2, -1)?.matmul(&q)
        }
        "chain_svd_values" => Ok(x[0].svd(true)?.1),
        "chain_svd_vectors" => {
            let (u, _, vh) = x[0].svd(false)?;
            Tensor::cat(&[u.square()?.flatten(0)?, vh.square()?.flatten(0)?], 0)
        }
        "chain_svd_rest" => projection(&x[0].svd(true)?.0, x[0].shape()[1]),
        "chain_svd_rebuilt" | "chain_svd_rebuilt_values" => {
            let (u, s, vh) = x[0].svd(false)?;
            u.mul(s.unsqueeze(-2)?)?.matmul(&vh)
        }
        "chain_svd_orthogonal" => {
            let (u, _, vh) = x[0].svd(true)?;
            let square = |x: &Tensor| x.transpose(0, 1)?.matmul(x)?.flatten(0);
            Tensor::cat(&[square(&u)?, square(&vh)?], 0)
        }
        "chain_scan_of_scans" => x[0].cumsum(1)?.cumsum(0)?.cumprod(1),
        other => panic!("cases/chain.py has `{other}`, which this file lacks"),
    }
}

fn between(x: &Tensor, start: usize, end: usize) -> Result<Tensor> {
    x.shrink(&[(0, x.shape()[0]), (start, end)])
}

/// Onto the columns from `start` on.
fn projection(q: &Tensor, start: usize) -> Result<Tensor> {
    let rest = between(q, start, q.shape()[1])?;
    rest.matmul(&rest.transpose(0, 1)?)
}

/// Elements 0, `step`, 2 · `step`, … along an axis that `step` divides.
fn every(x: &Tensor, axis: usize, step: usize) -> Result<Tensor> {
    let shape = x.shape();
    let mut split: Vec<isize> = shape.iter().map(|n| *n as isize).collect();
    split[axis] /= step as isize;
    split.insert(axis + 1, step as isize);
    let mut first: Vec<(usize, usize)> = split.iter().map(|n| (0, *n as usize)).collect();
    first[axis + 1].1 = 1;
    split.remove(axis + 1);
    x.reshape(&[&split[..=axis], &[step as isize], &split[axis + 1..]].concat())?
        .shrink(&first)?
        .reshape(&split)
}
