//! Generated handwritten digits, MNIST's way: 28×28, white on black, in a 20×20 box centred by mass.
//!
//! A pen skeleton is bent (elastic field, slant, rotation, proportions), fitted into the box, drawn with a round
//! pen of varying pressure and blurred. Only `+ − × ÷ √` are used: the same bytes on every platform.

use super::{
    Images,
    random::Random,
    strokes::{DIGITS, Stroke},
};

const SIDE: usize = 28;
const BOX: f32 = 20.0;
/// Curve pieces between two points of a skeleton.
const PIECES: usize = 6;
/// Cells of the elastic field along a side.
const CELLS: usize = 3;

#[derive(Clone, Copy)]
struct Point {
    x: f32,
    y: f32,
}

/// A piece of a drawn line: two ends, the pen's radius at each.
struct Segment {
    from: Point,
    to: Point,
    radii: (f32, f32),
}

/// `n` digits. Every ten in a row are the ten digits in some order; item `i` depends on `seed` and `i` alone.
pub fn digits(n: usize, seed: u64) -> Images {
    let mut pixels = Vec::with_capacity(n * SIDE * SIDE);
    let mut labels = Vec::with_capacity(n.next_multiple_of(10));
    for block in 0..n.div_ceil(10) {
        let mut order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        Random::new(!seed, block as u64).shuffle(&mut order);
        labels.extend(order);
    }
    labels.truncate(n);
    for (i, &label) in labels.iter().enumerate() {
        pixels.extend(draw(label, &mut Random::new(seed, i as u64)));
    }
    Images { pixels, labels, height: SIDE, width: SIDE }
}

fn draw(digit: u8, random: &mut Random) -> [u8; SIDE * SIDE] {
    let variants = DIGITS[digit as usize];
    let variant = variants[random.below(variants.len())];
    let bend = Bend::new(random);
    let radius = random.uniform(0.95, 1.7);
    let lines: Vec<Vec<Point>> = variant.iter().map(|stroke| curve(stroke, &bend, random)).collect();
    let place = fit(&lines, radius);
    let mut segments = Vec::new();
    for line in &lines {
        let (start, end) = (random.uniform(0.85, 1.1) * radius, random.uniform(0.75, 1.1) * radius);
        let pressure = |i: usize| start + (end - start) * i as f32 / (line.len() - 1) as f32;
        for (i, ends) in line.windows(2).enumerate() {
            let radii = (pressure(i), pressure(i + 1));
            segments.push(Segment { from: place(ends[0]), to: place(ends[1]), radii });
        }
    }
    ink(&segments, random.uniform(0.0, 0.1))
}

/// The smooth deformation of one drawing.
struct Bend {
    field: [[Point; CELLS + 1]; CELLS + 1],
    matrix: [f32; 4],
}

impl Bend {
    fn new(random: &mut Random) -> Self {
        let zero = Point { x: 0.0, y: 0.0 };
        let mut field = [[zero; CELLS + 1]; CELLS + 1];
        for p in field.iter_mut().flatten() {
            *p = Point { x: 0.7 * random.normal(), y: 0.7 * random.normal() };
        }
        let (t, slant) = (0.05 * random.normal(), 0.14 + 0.15 * random.normal());
        let (cos, sin) = ((1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t));
        let wide = random.uniform(0.78, 1.2);
        Self { field, matrix: [wide * cos, -sin - slant * cos, wide * sin, cos - slant * sin] }
    }

    fn apply(&self, p: Point) -> Point {
        let cell = |v: f32| {
            let v = (v / BOX).clamp(0.0, 0.999) * CELLS as f32;
            let t = v - v.floor();
            (v as usize, t * t * (3.0 - 2.0 * t))
        };
        let ((i, tx), (j, ty)) = (cell(p.x), cell(p.y));
        let mut moved = p;
        for (dj, wy) in [(0, 1.0 - ty), (1, ty)] {
            for (di, wx) in [(0, 1.0 - tx), (1, tx)] {
                moved.x += wx * wy * self.field[j + dj][i + di].x;
                moved.y += wx * wy * self.field[j + dj][i + di].y;
            }
        }
        let [a, b, c, d] = self.matrix;
        let (x, y) = (moved.x - BOX / 2.0, moved.y - BOX / 2.0);
        Point { x: a * x + b * y, y: c * x + d * y }
    }
}

/// A Catmull-Rom curve through the stroke's points, each moved a little, then bent.
fn curve(stroke: Stroke, bend: &Bend, random: &mut Random) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::with_capacity(stroke.len());
    for (i, &(x, y)) in stroke.iter().enumerate() {
        let corner = i > 0 && stroke[i - 1] == (x, y);
        let moved = Point { x: x as f32 + 0.3 * random.normal(), y: y as f32 + 0.3 * random.normal() };
        points.push(if corner { points[i - 1] } else { moved });
    }
    let at = |i: isize| points[i.clamp(0, points.len() as isize - 1) as usize];
    let mut line = vec![bend.apply(points[0])];
    for i in 0..points.len() as isize - 1 {
        let [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
        for piece in 1..=PIECES {
            let t = piece as f32 / PIECES as f32;
            let mix = |a: f32, b: f32, c: f32, d: f32| {
                let cubic = (3.0 * (b - c) + d - a) * t + (2.0 * a - 5.0 * b + 4.0 * c - d);
                b + 0.5 * t * ((c - a) + t * cubic)
            };
            line.push(bend.apply(Point { x: mix(a.x, b.x, c.x, d.x), y: mix(a.y, b.y, c.y, d.y) }));
        }
    }
    line
}

/// Scales the drawing so that its longer side fills the box, and puts its centre of mass in the image's centre as
/// far as the border stays black.
fn fit(lines: &[Vec<Point>], radius: f32) -> impl Fn(Point) -> Point + use<> {
    let (mut low, mut high) = ((f32::MAX, f32::MAX), (f32::MIN, f32::MIN));
    let mut mass = (0.0, 0.0, 0.0);
    for line in lines {
        for p in line {
            low = (low.0.min(p.x), low.1.min(p.y));
            high = (high.0.max(p.x), high.1.max(p.y));
        }
        for ends in line.windows(2) {
            let (dx, dy) = (ends[1].x - ends[0].x, ends[1].y - ends[0].y);
            let length = (dx * dx + dy * dy).sqrt();
            mass.0 += length * 0.5 * (ends[0].x + ends[1].x);
            mass.1 += length * 0.5 * (ends[0].y + ends[1].y);
            mass.2 += length;
        }
    }
    let scale = (BOX - 2.0 * radius) / (high.0 - low.0).max(high.1 - low.1);
    let margin = 1.1 * radius + 2.0;
    let shift = |mass: f32, low: f32, high: f32| {
        let centred = SIDE as f32 / 2.0 - mass * scale;
        centred.clamp(margin - low * scale, SIDE as f32 - margin - high * scale)
    };
    let (right, down) = (shift(mass.0 / mass.2, low.0, high.0), shift(mass.1 / mass.2, low.1, high.1));
    move |p| Point { x: p.x * scale + right, y: p.y * scale + down }
}

/// Draws the segments with a round pen, then blurs with `[blur, 1 − 2·blur, blur]` both ways.
fn ink(segments: &[Segment], blur: f32) -> [u8; SIDE * SIDE] {
    let mut depth = [-1.0f32; SIDE * SIDE];
    for s in segments {
        let reach = s.radii.0.max(s.radii.1) + 1.0;
        let span = |a: f32, b: f32| {
            let low = (a.min(b) - reach).max(0.0) as usize;
            low.min(SIDE)..((a.max(b) + reach).max(0.0) as usize + 1).min(SIDE)
        };
        let (dx, dy) = (s.to.x - s.from.x, s.to.y - s.from.y);
        let per_length = 1.0 / (dx * dx + dy * dy).max(1e-9);
        for row in span(s.from.y, s.to.y) {
            for column in span(s.from.x, s.to.x) {
                let (x, y) = (column as f32 + 0.5 - s.from.x, row as f32 + 0.5 - s.from.y);
                let t = ((x * dx + y * dy) * per_length).clamp(0.0, 1.0);
                let (x, y) = (x - t * dx, y - t * dy);
                let inside = s.radii.0 + (s.radii.1 - s.radii.0) * t - (x * x + y * y).sqrt();
                let pixel = &mut depth[row * SIDE + column];
                *pixel = pixel.max(inside);
            }
        }
    }
    let sharp = depth.map(|d| (d + 0.5).clamp(0.0, 1.0));
    let mut image = [0; SIDE * SIDE];
    let tap = |at: usize, weight: f32| sharp.get(at).map_or(0.0, |v| v * weight);
    for (i, pixel) in image.iter_mut().enumerate() {
        let mut value = 0.0;
        for (up, wy) in [(0, blur), (SIDE, 1.0 - 2.0 * blur), (2 * SIDE, blur)] {
            for (left, wx) in [(0, blur), (1, 1.0 - 2.0 * blur), (2, blur)] {
                value += (i + up + left).checked_sub(SIDE + 1).map_or(0.0, |at| tap(at, wx * wy));
            }
        }
        *pixel = (255.0 * value.min(1.0) + 0.5) as u8;
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a, so that the test can name the bytes of a whole set.
    fn hash(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
    }

    #[test]
    fn the_same_seed_gives_the_same_digits_whatever_the_count() {
        let (few, many) = (digits(15, 7), digits(40, 7));
        assert_eq!(few.labels, many.labels[..15]);
        assert_eq!(few.pixels, many.pixels[..15 * 784]);
        assert_ne!(digits(40, 8).pixels, many.pixels);
    }

    #[test]
    fn every_platform_draws_these_bytes() {
        assert_eq!(hash(&digits(200, 42).pixels), 9_048_576_285_925_083_572);
    }

    #[test]
    fn digits_keep_to_the_conventions_of_mnist() {
        let set = digits(300, 1);
        for image in set.pixels.chunks(784) {
            let (mut mass, mut x, mut y) = (0.0, 0.0, 0.0);
            for (i, &v) in image.iter().enumerate() {
                mass += f64::from(v);
                x += f64::from(v) * ((i % 28) as f64 + 0.5);
                y += f64::from(v) * ((i / 28) as f64 + 0.5);
            }
            assert!((x / mass - 14.0).abs() < 2.0 && (y / mass - 14.0).abs() < 2.0, "not centred");
            let border = (0..28).flat_map(|i| [i, 27 * 28 + i, i * 28, i * 28 + 27]);
            assert!(border.into_iter().all(|i| image[i] == 0), "ink at the border");
            let ink = image.iter().filter(|&&v| v > 127).count();
            assert!((20..300).contains(&ink), "{ink} bright pixels");
        }
        for block in set.labels.chunks(10) {
            let mut sorted = block.to_vec();
            sorted.sort();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        }
    }

    #[test]
    fn no_digits_is_an_empty_set() {
        assert!(digits(0, 1).pixels.is_empty());
    }
}
