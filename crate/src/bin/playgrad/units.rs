//! Numbers for people.

/// A rate with the prefix that keeps it readable.
pub fn rate(per_second: f64, unit: &str) -> String {
    let prefixes = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    // Steps are counted, not prefixed.
    let fits = |(size, _): &(f64, &str)| per_second >= *size && unit != "steps/s";
    match prefixes.into_iter().find(fits) {
        Some((size, prefix)) => format!("{:.1} {prefix}{unit}", per_second / size),
        None => format!("{per_second:.1} {unit}"),
    }
}

pub fn seconds(s: f64) -> String {
    match s {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s => format!("{:.1} us", s * 1e6),
    }
}
