use super::{Sequences, random::Random};

/// `n` sequences that count: each in steps of its own from a start of its own, around at `vocabulary`. Every token
/// but the second follows from those before it.
pub fn counting(n: usize, length: usize, vocabulary: usize, seed: u64) -> Sequences {
    let mut all = Sequences { length, ..Sequences::default() };
    for i in 0..n {
        let mut random = Random::new(seed, i as u64);
        let (start, step) = (random.below(vocabulary), 1 + random.below(7));
        let token = |at: usize| ((start + at * step) % vocabulary) as i32;
        all.tokens.extend((0..length).map(token));
        all.next.extend((1..=length).map(token));
    }
    all
}
