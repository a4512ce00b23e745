//! Stands for `mma` where no language with tensor cores is built in, and for `cooperative` in a browser: no kernel takes
//! these forms.

use super::{Part, Site, Target};
use crate::kernel::Kernel;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tile {}

impl Tile {
    pub fn threads(&self) -> usize {
        match *self {}
    }
}

pub fn tile(_: &Kernel, _: Target) -> Option<Tile> {
    None
}

pub fn workgroup_bytes(tile: Tile) -> usize {
    match tile {}
}

pub fn parts(_: &Kernel, tile: Tile) -> usize {
    match tile {}
}

pub fn part(_: Site, tile: Tile) -> Part {
    match tile {}
}
