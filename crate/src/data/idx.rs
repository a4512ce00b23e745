//! The IDX format of the MNIST files: two zero bytes, a type byte, the number of dimensions, each dimension as a
//! big-endian u32, the values. Only unsigned bytes are read; the file may be gzipped.

use crate::error::{Error, Result};
use flate2::read::MultiGzDecoder;
use std::io::Read;

/// Unsigned bytes with their shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    pub shape: Vec<usize>,
    pub values: Vec<u8>,
}

/// MNIST's largest file is 47 MB; a header that promises more than this is damaged or hostile.
const MAX_BYTES: usize = 1 << 30;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const FETCH_AGAIN: &str = "fetch the file again";

/// Reads one file, gzipped or not. `name` appears in the error.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Idx> {
    if bytes.starts_with(&GZIP) {
        decode(name, MultiGzDecoder::new(bytes), bytes.len())
    } else {
        decode(name, bytes, bytes.len())
    }
}

fn decode(name: &str, mut from: impl Read, length: usize) -> Result<Idx> {
    let broken = |e: std::io::Error| {
        let got = format!("{length} bytes that do not unpack ({e})");
        Error::data(name, got, "a whole gzip file with a matching checksum", FETCH_AGAIN)
    };
    let mut head = Vec::new();
    from.by_ref().take(4).read_to_end(&mut head).map_err(broken)?;
    let &[0, 0, kind, rank @ 1..=4] = head.as_slice() else {
        let (got, fix) = (format!("first bytes {head:02x?}"), "name one of MNIST's four IDX files");
        return Err(Error::data(name, got, "an IDX header: 00 00 08 and 1 to 4 dimensions", fix));
    };
    if kind != 0x08 {
        let fix = "convert the values to bytes";
        return Err(Error::data(name, format!("IDX type {kind:#04x}"), "0x08, unsigned bytes", fix));
    }
    let mut sizes = Vec::new();
    from.by_ref().take(4 * u64::from(rank)).read_to_end(&mut sizes).map_err(broken)?;
    let shape: Vec<usize> =
        sizes.as_chunks().0.iter().map(|&size: &[u8; 4]| u32::from_be_bytes(size) as usize).collect();
    if shape.len() < rank as usize {
        let expected = format!("{rank} dimensions of 4 bytes");
        return Err(Error::data(
            name,
            format!("a header cut at {} bytes", 4 + sizes.len()),
            expected,
            FETCH_AGAIN,
        ));
    }
    let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= MAX_BYTES);
    let Some(count) = count else {
        let expected = format!("at most {MAX_BYTES} values");
        return Err(Error::data(name, format!("shape {shape:?}"), expected, FETCH_AGAIN));
    };
    let mut values = Vec::new();
    from.take(count as u64 + 1).read_to_end(&mut values).map_err(broken)?;
    if values.len() != count {
        let got =
            if values.len() > count { "more values".into() } else { format!("{} values", values.len()) };
        return Err(Error::data(name, got, format!("{count} for shape {shape:?}"), FETCH_AGAIN));
    }
    Ok(Idx { shape, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn file(shape: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, shape.len() as u8];
        bytes.extend(shape.iter().flat_map(|d| d.to_be_bytes()));
        bytes.extend(values);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_gzipped_files_give_shape_and_values() {
        let plain = file(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        let expected = Idx { shape: vec![2, 3], values: vec![1, 2, 3, 4, 5, 6] };
        assert_eq!(parse("a", &plain), Ok(expected.clone()));
        assert_eq!(parse("a", &gzip(&plain)), Ok(expected));
    }

    #[test]
    fn every_truncation_is_an_error_that_names_the_file() {
        let plain = file(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        for whole in [gzip(&plain), plain] {
            for length in 0..whole.len() {
                let error = parse("train.gz", &whole[..length]).unwrap_err();
                assert!(error.op == "train.gz" && !error.fix.is_empty(), "{length}: {error}");
            }
        }
    }

    #[test]
    fn a_flipped_bit_of_the_checksum_or_the_data_is_found() {
        let whole = gzip(&file(&[2, 3], &[1, 2, 3, 4, 5, 6]));
        for at in 10..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert!(parse("train.gz", &damaged).is_err(), "byte {at}");
        }
    }

    #[test]
    fn wrong_headers_are_refused() {
        let page = b"<!doctype html><title>404</title>";
        assert!(parse("a", page).unwrap_err().got.contains("3c"));
        assert!(parse("a", &[0, 0, 13, 1, 0, 0, 0, 0]).unwrap_err().got.contains("0x0d"));
        assert!(parse("a", &file(&[u32::MAX, u32::MAX], &[])).unwrap_err().got.contains("shape"));
        assert!(parse("a", &file(&[1], &[1, 2])).unwrap_err().got.contains("more"));
    }
}
