/// SplitMix64 (Steele, Lea and Flood, 2014): integer arithmetic only, so every platform draws the same numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// An independent stream for item `index` of the set named by `seed`.
    pub fn new(seed: u64, index: u64) -> Self {
        let mut stream = Self(seed);
        stream.0 = stream.next() ^ index.wrapping_mul(0xD1B5_4A32_D192_ED03);
        Self(stream.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    /// In `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit() as f32
    }

    /// Mean 0, deviation 1, never beyond ±3.5: the sum of twelve uniforms needs no logarithm, whose last bit
    /// differs between platforms.
    pub fn normal(&mut self) -> f32 {
        loop {
            let sum = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
            if sum.abs() <= 3.5 {
                return sum as f32;
            }
        }
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}
