//! Reads zip archives: the central directory, then files that are stored or deflated, in archives of any size.
//! Absent: writing, encryption, archives in parts.

use crate::error::{Error, Result};
use std::{borrow::Cow, collections::BTreeMap, io::Read};

const END: u32 = 0x0605_4b50;
const END_64_LOCATOR: u32 = 0x0706_4b50;
const END_64: u32 = 0x0606_4b50;
const ENTRY: u32 = 0x0201_4b50;
const LOCAL: u32 = 0x0403_4b50;
const END_SIZE: usize = 22;
const EXTRA_64: u16 = 1;

pub(super) struct Archive<'a> {
    /// The file's name, for errors.
    pub name: &'a str,
    bytes: &'a [u8],
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    encrypted: bool,
    method: u16,
    checksum: u32,
    packed: u64,
    size: u64,
    local: u64,
}

fn number<const N: usize>(bytes: &[u8], at: u64) -> Option<u64> {
    let at = usize::try_from(at).ok()?;
    let part = bytes.get(at..at.checked_add(N)?)?;
    Some(part.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)))
}

fn short(bytes: &[u8], at: u64) -> Option<u16> {
    number::<2>(bytes, at).map(|n| n as u16)
}

fn word(bytes: &[u8], at: u64) -> Option<u32> {
    number::<4>(bytes, at).map(|n| n as u32)
}

fn part(bytes: &[u8], at: u64, length: u64) -> Option<&[u8]> {
    bytes.get(usize::try_from(at).ok()?..usize::try_from(at.checked_add(length)?).ok()?)
}

/// Where the central directory starts, and how many entries it has.
fn directory(bytes: &[u8]) -> Option<(u64, u64)> {
    let last = bytes.len().checked_sub(END_SIZE)?;
    let end = (last.saturating_sub(usize::from(u16::MAX))..=last)
        .rev()
        .find(|at| word(bytes, *at as u64) == Some(END))? as u64;
    if let Some(locator) = end.checked_sub(20)
        && word(bytes, locator) == Some(END_64_LOCATOR)
    {
        let end = number::<8>(bytes, locator + 8)?;
        return (word(bytes, end)? == END_64).then_some((
            number::<8>(bytes, end.checked_add(48)?)?,
            number::<8>(bytes, end.checked_add(32)?)?,
        ));
    }
    Some((word(bytes, end + 16)?.into(), short(bytes, end + 10)?.into()))
}

/// One entry of the directory, and where the next is.
fn entry(bytes: &[u8], at: u64) -> Option<(String, Entry, u64)> {
    if word(bytes, at)? != ENTRY {
        return None;
    }
    let [name, extra, comment] = [28, 30, 32].map(|n| short(bytes, at + n).map(u64::from));
    let (name, extra, comment) = (name?, extra?, comment?);
    let text = String::from_utf8_lossy(part(bytes, at + 46, name)?).into_owned();
    let [mut size, mut packed, mut local] =
        [word(bytes, at + 24)?, word(bytes, at + 20)?, word(bytes, at + 42)?].map(u64::from);
    let mut fields = part(bytes, at + 46 + name, extra)?;
    while let (Some(kind), Some(length)) = (short(fields, 0), short(fields, 2)) {
        let mut field = part(fields, 4, length.into())?;
        if kind == EXTRA_64 {
            for value in [&mut size, &mut packed, &mut local] {
                if *value == u64::from(u32::MAX) {
                    *value = number::<8>(field, 0)?;
                    field = &field[8..];
                }
            }
        }
        fields = &fields[4 + usize::from(length)..];
    }
    let (encrypted, method) = (short(bytes, at + 8)? & 1 == 1, short(bytes, at + 10)?);
    let found = Entry { encrypted, method, checksum: word(bytes, at + 16)?, packed, size, local };
    Some((text, found, at + 46 + name + extra + comment))
}

impl<'a> Archive<'a> {
    pub fn open(name: &'a str, bytes: &'a [u8]) -> Result<Archive<'a>> {
        let damaged = || Error::data(name, "a damaged zip archive", "a whole file", "fetch or save it again");
        let (mut at, count) = directory(bytes).ok_or_else(damaged)?;
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let (path, found, next) = entry(bytes, at).ok_or_else(damaged)?;
            entries.insert(path, found);
            at = next;
        }
        Ok(Archive { name, bytes, entries })
    }

    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The bytes of one file.
    pub fn read(&self, path: &str) -> Result<Cow<'a, [u8]>> {
        let wrong = |got: &str| {
            Error::data(
                self.name,
                format!("{path} {got}"),
                "a whole file as torch.save writes it",
                "save it again",
            )
        };
        let found = self.entries.get(path).ok_or_else(|| wrong("missing"))?;
        if found.encrypted {
            return Err(wrong("encrypted"));
        }
        let packed = self.packed(found).ok_or_else(|| wrong("cut off"))?;
        let data = match found.method {
            0 => Cow::Borrowed(packed),
            8 => {
                let mut out = Vec::new();
                let most = found.size.saturating_add(1);
                let unpacked = flate2::read::DeflateDecoder::new(packed).take(most).read_to_end(&mut out);
                unpacked.map_err(|_| wrong("damaged"))?;
                Cow::Owned(out)
            }
            method => return Err(wrong(&format!("compressed by method {method}"))),
        };
        let mut sum = flate2::Crc::new();
        sum.update(&data);
        if data.len() as u64 != found.size || sum.sum() != found.checksum {
            return Err(wrong("damaged"));
        }
        Ok(data)
    }

    fn packed(&self, entry: &Entry) -> Option<&'a [u8]> {
        let at = entry.local;
        if word(self.bytes, at)? != LOCAL {
            return None;
        }
        let names = u64::from(short(self.bytes, at + 26)?) + u64::from(short(self.bytes, at + 28)?);
        part(self.bytes, at + 30 + names, entry.packed)
    }
}
