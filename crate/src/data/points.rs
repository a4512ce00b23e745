//! Points in the plane with a class each: the sets small networks are shown on.

use super::{Points, random::Random};
use std::f64::consts::PI;

/// The four rows of exclusive or.
pub fn xor() -> Points {
    Points { x: vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], labels: vec![0, 1, 1, 0] }
}

/// Two interleaving half circles, the formula of scikit-learn's `make_moons`; `noise` is the deviation of the
/// normal noise on both coordinates.
pub fn moons(n: usize, noise: f32, seed: u64) -> Points {
    let outer = n / 2;
    let half_circle = |i: usize, of: usize| PI * i as f64 / of.saturating_sub(1).max(1) as f64;
    let points = (0..n).map(|i| {
        if i < outer {
            let t = half_circle(i, outer);
            ([t.cos(), t.sin()], 0)
        } else {
            let t = half_circle(i - outer, n - outer);
            ([1.0 - t.cos(), 0.5 - t.sin()], 1)
        }
    });
    let mut random = Random::new(seed, 0);
    let noisy = points.map(|([x, y], label)| {
        ([x as f32 + noise * random.normal(), y as f32 + noise * random.normal()], label)
    });
    shuffled(noisy.collect(), seed)
}

/// `classes` arms that each wind 4 radians around the origin, as the spirals of Stanford's CS231n notes; `noise`
/// is the deviation of the normal noise on the angle. Class `i % classes` has every `classes`-th point.
pub fn spirals(n: usize, classes: usize, noise: f32, seed: u64) -> Points {
    let classes = classes.clamp(1, 256);
    let per_class = n.div_ceil(classes);
    let mut random = Random::new(seed, 0);
    let points = (0..n).map(|i| {
        let (class, radius) = (i % classes, (i / classes) as f64 / per_class.saturating_sub(1).max(1) as f64);
        let start = 2.0 * PI * class as f64 / classes as f64;
        let angle = start + 4.0 * radius + f64::from(noise * random.normal());
        ([(radius * angle.sin()) as f32, (radius * angle.cos()) as f32], class as u8)
    });
    shuffled(points.collect(), seed)
}

fn shuffled(mut points: Vec<([f32; 2], u8)>, seed: u64) -> Points {
    Random::new(seed, 1).shuffle(&mut points);
    let (x, labels): (Vec<_>, Vec<_>) = points.into_iter().unzip();
    Points { x: x.concat(), labels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moons_without_noise_lie_on_their_half_circles() {
        let set = moons(101, 0.0, 3);
        assert_eq!((set.labels.len(), set.labels.iter().filter(|&&l| l == 0).count()), (101, 50));
        for (p, &label) in set.x.chunks(2).zip(&set.labels) {
            let (x, y) = if label == 0 { (p[0], p[1]) } else { (1.0 - p[0], 0.5 - p[1]) };
            assert!((x.hypot(y) - 1.0).abs() < 1e-6 && y > -1e-6, "({x}, {y})");
        }
        assert_eq!(moons(101, 0.2, 3), moons(101, 0.2, 3));
        assert_ne!(moons(101, 0.2, 3), moons(101, 0.2, 4));
    }

    #[test]
    fn spirals_have_every_class_equally_often() {
        let set = spirals(300, 3, 0.2, 1);
        for class in 0..3 {
            assert_eq!(set.labels.iter().filter(|&&l| l == class).count(), 100);
        }
        assert!(set.x.iter().all(|v| v.abs() <= 1.0));
    }

    #[test]
    fn tiny_sets_are_finite() {
        for n in 0..4 {
            assert!(moons(n, 0.1, 1).x.iter().chain(&spirals(n, 2, 0.1, 1).x).all(|v| v.is_finite()));
        }
    }
}
