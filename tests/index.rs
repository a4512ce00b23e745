//! Reading and writing by index, masks whose count is read back, sorting of long rows: what the op table cannot say
//! in one call, and at sizes it does not store.

use playgrad::{
    DType, Kind, Result, Tensor, grad,
    tensor::{Index, Padding, block_on},
};

fn arange(shape: &[isize]) -> Tensor {
    let sizes: Vec<usize> = shape.iter().map(|n| *n as usize).collect();
    let values: Vec<f32> = (0..sizes.iter().product()).map(|i: usize| i as f32).collect();
    Tensor::from_slice(&values, &sizes).unwrap()
}

fn ints_of(values: &[i32]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

fn ints(values: &[i32]) -> Index {
    Index::Tensor(ints_of(values))
}

fn range(start: isize, stop: isize, step: isize) -> Index {
    Index::Range { start: Some(start), stop: Some(stop), step }
}

fn values(t: &Tensor) -> Vec<f32> {
    t.cast(DType::F32).unwrap().to_vec().unwrap()
}

fn lcg(n: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as f32 % 1000.0
    };
    (0..n).map(|_| next()).collect()
}

#[test]
fn a_sum_that_is_picked_from_outside_is_zero() -> Result<()> {
    let x = arange(&[4, 3]);
    let picked = x.sum([1], false)?.index(&ints_of(&[1, 1_000_000, 3, i32::MIN]))?;
    assert_eq!(values(&picked), [12.0, 0.0, 30.0, 0.0]);
    let doubled = x.index(&ints_of(&[1, 1_000_000]))?.sum([1], false)?;
    assert_eq!(values(&doubled), [12.0, 0.0]);
    Ok(())
}

#[test]
fn shapes_follow_numpy() -> Result<()> {
    use Index::{All, At, Bool, Ellipsis, List, New};
    let x = Tensor::ones(&[2, 3, 4, 5])?;
    let (a, b) = (ints(&[0, 1]), ints(&[1, 0]));
    let cases: Vec<(Vec<Index>, Vec<usize>)> = vec![
        (vec![], vec![2, 3, 4, 5]),
        (vec![At(0)], vec![3, 4, 5]),
        (vec![Ellipsis, At(-1)], vec![2, 3, 4]),
        (vec![New, All, New], vec![1, 2, 1, 3, 4, 5]),
        (vec![All, range(2, 0, -1), Ellipsis, range(0, 5, 2)], vec![2, 2, 4, 3]),
        (vec![Bool(true)], vec![1, 2, 3, 4, 5]),
        (vec![Bool(false), At(0)], vec![0, 3, 4, 5]),
        (vec![All, a.clone(), b.clone()], vec![2, 2, 5]),
        (vec![All, a.clone(), All, b.clone()], vec![2, 2, 4]),
        (vec![a.clone(), New, b.clone()], vec![2, 1, 4, 5]),
        (vec![List(vec![1, -1, 0]), All, At(2)], vec![3, 3, 5]),
        (vec![Ellipsis, a.clone()], vec![2, 3, 4, 2]),
        (vec![All, a, New, At(1), b], vec![2, 2, 1]),
    ];
    for (index, shape) in cases {
        let got = x.get(&index)?.shape().to_vec();
        assert_eq!(got, shape, "{index:?}");
    }
    Ok(())
}

#[test]
fn positions_wrap_and_outside_is_zero() -> Result<()> {
    let x = arange(&[2, 3]).add(1.0)?;
    assert_eq!(values(&x.get(&[ints(&[-1, 5, -3])])?), [4.0, 5.0, 6.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(values(&x.get(&[ints(&[1, 0, 0]), ints(&[-1, 3, 1])])?), [6.0, 0.0, 2.0]);
    assert_eq!(values(&x.get(&[Index::All, Index::List(vec![2, -3])])?), [3.0, 1.0, 6.0, 4.0]);
    let empty = Tensor::zeros(&[0, 3])?;
    assert_eq!(values(&empty.get(&[ints(&[0])])?), [0.0; 3]);
    Ok(())
}

#[test]
fn writing_makes_a_new_value() -> Result<()> {
    let x = arange(&[3, 4]);
    let twice = x.mul(2.0)?;
    x.set(&[Index::At(1), range(3, 0, -2)], Tensor::from_slice(&[-1.0f32, -2.0], &[2])?)?;
    assert_eq!(values(&x), [0.0, 1.0, 2.0, 3.0, 4.0, -2.0, 6.0, -1.0, 8.0, 9.0, 10.0, 11.0]);
    assert_eq!(values(&twice)[4..8], [8.0, 10.0, 12.0, 14.0]);
    x.set(&[Index::All, Index::At(0)], 5)?;
    assert_eq!(values(&x.get(&[Index::All, Index::At(0)])?), [5.0; 3]);
    // The last of several stays.
    x.set(&[ints(&[0, 2, 0]), Index::At(3)], Tensor::from_slice(&[1.0f32, 2.0, 3.0], &[3])?)?;
    assert_eq!(values(&x.get(&[Index::All, Index::At(3)])?), [3.0, -1.0, 2.0]);
    Ok(())
}

#[test]
fn masks_write_without_reading_back() -> Result<()> {
    let x = arange(&[2, 3]);
    let mask = [Index::Tensor(x.gt(2.5)?)];
    assert_eq!(values(&x.with(&mask, -1.0)?), [0.0, 1.0, 2.0, -1.0, -1.0, -1.0]);
    let each = Tensor::from_slice(&[7.0f32, 8.0, 9.0], &[3])?;
    assert_eq!(values(&x.with(&mask, &each)?), [0.0, 1.0, 2.0, 7.0, 8.0, 9.0]);
    let columns = Index::Tensor(Tensor::from_slice(&[true, false, true], &[3])?);
    let column = Tensor::from_slice(&[7.0f32, 8.0], &[2, 1])?;
    assert_eq!(values(&x.with(&[Index::All, columns.clone()], &column)?), [7.0, 1.0, 7.0, 8.0, 4.0, 8.0]);
    let pairs = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2])?;
    assert_eq!(values(&x.with(&[Index::All, columns.clone()], &pairs)?), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
    assert!(x.get(&mask).is_err());
    assert_eq!(values(&block_on(x.get_masked(&mask))?), [3.0, 4.0, 5.0]);
    assert_eq!(values(&block_on(x.get_masked(&[Index::At(0), columns]))?), [0.0, 2.0]);
    Ok(())
}

#[test]
fn gradients_reach_what_stayed() -> Result<()> {
    let (x, v) = (arange(&[3, 2]), arange(&[2, 2]));
    let out = x.with(&[ints(&[1, 1])], &v)?;
    let weights = arange(&[3, 2]).add(1.0)?;
    let grads = grad(&out.mul(&weights)?.sum((), false)?, &[&x, &v])?;
    assert_eq!(values(&grads[0]), [1.0, 2.0, 0.0, 0.0, 5.0, 6.0]);
    assert_eq!(values(&grads[1]), [0.0, 0.0, 3.0, 4.0]);
    Ok(())
}

#[test]
fn counts_are_read_back_or_given() -> Result<()> {
    let x = Tensor::from_slice(&[0.0f32, 3.0, 0.0, -1.0, 0.0, 2.0], &[2, 3])?;
    let places = block_on(x.nonzero(None, 0))?;
    assert_eq!((places.shape().to_vec(), places.dtype()), (vec![3, 2], DType::I32));
    assert_eq!(values(&places), [0.0, 1.0, 1.0, 0.0, 1.0, 2.0]);
    assert_eq!(values(&block_on(x.nonzero(Some(2), 0))?), [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(values(&block_on(x.nonzero(Some(4), -1))?)[4..], [1.0, 2.0, -1.0, -1.0]);
    assert_eq!(values(&block_on(x.masked_select(&x.gt(0.0)?, None, 0.0))?), [3.0, 2.0]);
    assert_eq!(values(&block_on(x.masked_select(&x.gt(0.0)?, Some(4), 9.0))?), [3.0, 2.0, 9.0, 9.0]);
    assert_eq!(values(&block_on(x.masked_select(&x.gt(9.0)?, None, 0.0))?), [0.0f32; 0]);
    assert_eq!(values(&block_on(x.masked_select(&x.gt(0.0)?, Some(9), 0.0))?)[..3], [3.0, 2.0, 0.0]);
    assert_eq!(block_on(Tensor::scalar(3)?.nonzero(None, 0))?.shape().to_vec(), [1, 0]);
    Ok(())
}

#[test]
fn long_rows_sort_as_short_ones() -> Result<()> {
    for n in [513, 1000, 2048] {
        let drawn = lcg(2 * n);
        let x = Tensor::from_slice(&drawn, &[2, n])?;
        x.set_requires_grad(true)?;
        for descending in [false, true] {
            let (sorted, order) = x.sort(1, descending)?;
            let (got, at) = (values(&sorted), order.to_vec::<i32>()?);
            for row in 0..2 {
                let own = &drawn[row * n..][..n];
                let mut expected: Vec<usize> = (0..n).collect();
                expected.sort_by(|a, b| {
                    let forward = own[*a].total_cmp(&own[*b]);
                    if descending { forward.reverse() } else { forward }
                });
                let slots: Vec<usize> = at[row * n..][..n].iter().map(|i| *i as usize).collect();
                assert_eq!(slots, expected, "{n} {descending}");
                assert!((0..n).all(|i| got[row * n + i] == own[expected[i]]));
            }
            let weights = arange(&[2, n as isize]);
            let g = &grad(&sorted.mul(&weights)?.sum((), false)?, &[&x])?[0];
            let back = values(g);
            assert!((0..2 * n).all(|i| back[i / n * n + at[i] as usize] == i as f32));
        }
    }
    Ok(())
}

#[test]
fn not_a_number_and_infinity_sort_last() -> Result<()> {
    let special = [f32::NAN, 1.0, f32::NEG_INFINITY, -0.0, f32::INFINITY, 0.0, -f32::NAN];
    for n in [7, 600] {
        let mut drawn = vec![2.0f32; n];
        drawn[..7].copy_from_slice(&special);
        let x = Tensor::from_slice(&drawn, &[n])?;
        let up = x.argsort(0, false)?.to_vec::<i32>()?;
        assert_eq!((&up[..4], &up[n - 3..]), (&[2, 3, 5, 1][..], &[4, 0, 6][..]), "{n}");
        let down = x.argsort(0, true)?.to_vec::<i32>()?;
        assert_eq!((&down[..3], &down[n - 3..]), (&[0, 6, 4][..], &[3, 5, 2][..]), "{n}");
    }
    Ok(())
}

#[test]
fn padding_in_both_forms() -> Result<()> {
    let x = arange(&[2, 3]);
    let flat = x.pad_mode(&Padding::Flat(vec![1, -1]), "constant", 9.0)?;
    assert_eq!(values(&flat), [9.0, 0.0, 1.0, 9.0, 3.0, 4.0]);
    let grouped = x.pad_mode(&Padding::Axes(vec![None, Some((1, -1))]), "constant", 9.0)?;
    assert_eq!(values(&grouped), values(&flat));
    let mirrored = x.pad_mode(&Padding::Flat(vec![2, 1]), "reflect", 0.0)?;
    assert_eq!(values(&mirrored)[..6], [2.0, 1.0, 0.0, 1.0, 2.0, 1.0]);
    Ok(())
}

#[test]
fn mistakes_name_the_fix() -> Result<()> {
    use Index::{All, At, Ellipsis, List};
    let (x, ones) = (arange(&[2, 3]), |shape: &[usize]| Tensor::ones(shape).unwrap());
    let bits = |n: usize| Index::Tensor(Tensor::full(&[n], 1.0, DType::Bool).unwrap());
    let at = Tensor::from_slice(&[0i32, 1], &[2, 1])?;
    let pairs = |a, b| Padding::Axes(vec![None, Some((a, b))]);
    let mistakes: Vec<(&str, Kind, Result<Tensor>)> = vec![
        ("get", Kind::Shape, x.get(&[At(2)])),
        ("get", Kind::Shape, x.get(&[All, All, All])),
        ("get", Kind::Shape, x.get(&[Ellipsis, Ellipsis])),
        ("get", Kind::Shape, x.get(&[List(vec![0, -3])])),
        ("get", Kind::Argument, x.get(&[range(0, 2, 0)])),
        ("get", Kind::Argument, x.get(&[bits(2)])),
        ("get", Kind::Shape, block_on(x.get_masked(&[bits(3)]))),
        ("get", Kind::DType, x.get(&[Index::Tensor(ones(&[2]))])),
        ("get", Kind::Shape, x.get(&[ints(&[0, 1]), ints(&[0, 1, 2])])),
        ("set", Kind::Shape, x.with(&[At(0)], ones(&[2]))),
        ("set", Kind::Shape, x.with(&[bits(3)], 1.0)),
        ("set", Kind::Argument, x.with(&[bits(2), ints(&[0])], 1.0)),
        ("set", Kind::Argument, x.with(&[bits(2), bits(3)], 1.0)),
        ("scatter", Kind::Shape, x.scatter(0, &ints_of(&[0]), 1.0, None)),
        ("scatter", Kind::Argument, x.scatter(1, &at, 1.0, Some("mean"))),
        ("scatter", Kind::DType, x.scatter(1, &at, ones(&[2, 1]).int()?, None)),
        ("scatter", Kind::DType, x.scatter(1, &ones(&[2, 1]), 1.0, None)),
        ("scatter_reduce", Kind::Argument, x.scatter_reduce(1, &at, &x, "max", true)),
        ("gather", Kind::Shape, x.gather(0, &ints_of(&[0]))),
        ("masked_fill", Kind::DType, x.masked_fill(&x, 0.0)),
        ("masked_select", Kind::DType, block_on(x.masked_select(&x, None, 0.0))),
        ("sort", Kind::Shape, x.sort(2, false).map(|s| s.0)),
        ("topk", Kind::Argument, x.topk(4, 1, true).map(|s| s.0)),
        ("pad", Kind::Shape, x.pad_mode(&Padding::Flat(vec![1]), "constant", 0.0)),
        ("pad", Kind::Shape, x.pad_mode(&pairs(-2, -2), "constant", 0.0)),
        ("pad", Kind::Shape, x.pad_mode(&pairs(isize::MAX, 0), "constant", 0.0)),
        ("pad", Kind::Shape, x.pad_mode(&pairs(3, 0), "reflect", 0.0)),
        ("pad", Kind::Shape, x.pad_mode(&pairs(0, 4), "circular", 0.0)),
        ("pad", Kind::Argument, x.pad_mode(&pairs(1, 1), "mirror", 0.0)),
        ("shrink", Kind::Shape, x.shrink_axes(&[None, Some((1, 4))])),
        ("flatten", Kind::Shape, x.flatten_to(1, 0)),
        ("unflatten", Kind::Shape, x.unflatten(1, &[2, -1])),
        ("unfold", Kind::Argument, x.unfold(1, 4, 1)),
        ("unfold", Kind::Argument, x.unfold(1, 2, 0)),
        ("diag", Kind::Shape, ones(&[1, 1, 1]).diag()),
        ("diagonal", Kind::Shape, x.diagonal(0, 1, -1)),
        ("triu", Kind::Shape, ones(&[3]).triu(0)),
        ("split", Kind::Shape, x.split(&[1, 1], 1).map(|parts| parts[0].clone())),
        ("chunk", Kind::Argument, x.chunk(0, 1).map(|parts| parts[0].clone())),
        ("roll", Kind::Argument, x.roll(&[1, 2], Some(&[0]))),
        ("meshgrid", Kind::Argument, Tensor::meshgrid(&[ones(&[2])], "yx").map(|g| g[0].clone())),
        ("meshgrid", Kind::Shape, Tensor::meshgrid(std::slice::from_ref(&x), "ij").map(|g| g[0].clone())),
        ("repeat_interleave", Kind::Shape, x.repeat_interleave(usize::MAX, Some(1))),
        ("rearrange", Kind::Argument, x.rearrange("a b", &[])),
        ("rearrange", Kind::Argument, x.rearrange("a b -> a (b", &[])),
        ("rearrange", Kind::Argument, x.rearrange("a b c -> c b a", &[])),
        ("rearrange", Kind::Argument, x.rearrange("a a -> a", &[])),
        ("rearrange", Kind::Argument, x.rearrange("a (b c) -> a b c", &[])),
        ("rearrange", Kind::Argument, x.rearrange("a (b c) -> a b c", &[("b", 2)])),
        ("rearrange", Kind::Argument, x.rearrange("a b -> b a", &[("c", 2)])),
    ];
    for (i, (op, kind, result)) in mistakes.into_iter().enumerate() {
        let e = result.expect_err(&format!("mistake {i} in {op}"));
        assert_eq!((e.op.as_str(), e.kind), (op, kind), "{i}: {e}");
        assert!(!e.fix.is_empty() && !e.got.is_empty(), "{i}: {e}");
    }
    Ok(())
}

/// An index expanded along the other axes takes the way by rows, to the same values and gradients of any order.
#[test]
fn expanded_and_whole_indices_agree() {
    let x =
        Tensor::from_slice(&[1.0f32, f32::INFINITY, f32::NAN, 4.0, 5.0, f32::NEG_INFINITY], &[3, 2]).unwrap();
    let expanded = ints_of(&[2, 0, 2]).reshape(&[3, 1]).unwrap().expand(&[3, 2]).unwrap();
    let whole = ints_of(&[2, 2, 0, 0, 2, 2]).reshape(&[3, 2]).unwrap();
    let zero = Tensor::zeros(&[4, 2]).unwrap();
    let text = |t: Tensor| format!("{:?}", t.to_vec::<f32>().unwrap());
    for at in [&expanded, &whole] {
        let sum = zero.scatter(0, at, &x, Some("add")).unwrap().to_vec::<f32>().unwrap();
        assert_eq!([sum[1], sum[2], sum[3], sum[4], sum[6], sum[7]], [4.0, 0.0, 0.0, 6.0, 0.0, 0.0]);
        assert!(sum[0].is_nan() && sum[5].is_nan());
    }
    let last = |at: &Tensor| text(zero.scatter(0, at, &x, None).unwrap());
    assert_eq!(last(&expanded), last(&whole));
    let y = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[3, 2]).unwrap();
    let derivatives = |f: &dyn Fn(&Tensor) -> Tensor| {
        let value = f(&y);
        let cubes = value.mul(&value).unwrap().mul(&value).unwrap().sum((), false).unwrap();
        let first = cubes.gradient(&[&y], None, false).unwrap().remove(0);
        let second = first.mul(&first).unwrap().sum((), false).unwrap().gradient(&[&y], None, false).unwrap();
        (first.to_vec::<f32>().unwrap(), second[0].to_vec::<f32>().unwrap())
    };
    let gathered = |at: &Tensor| derivatives(&|y| y.gather(0, at).unwrap());
    // With n picks of y the sum of cubes is n·y³; its derivative is 3n·y², and that of the square of this 2·3n·y²·6n·y.
    let of = |y: f32, n: f32| (n * 3.0 * y * y, 2.0 * n * 3.0 * y * y * n * 6.0 * y);
    let counts = [1.0, 1.0, 0.0, 0.0, 2.0, 2.0];
    let wanted: Vec<(f32, f32)> = (0..6).map(|i| of(i as f32 + 1.0, counts[i])).collect();
    let wanted = wanted.into_iter().unzip::<f32, f32, Vec<f32>, Vec<f32>>();
    assert_eq!(gathered(&whole), wanted);
    assert_eq!(gathered(&expanded), wanted);
    let scattered = |at: &Tensor| derivatives(&|y| zero.scatter(0, at, y, Some("add")).unwrap());
    assert_eq!(scattered(&expanded), scattered(&whole));
}
