//! Reading values back: the only place where the engine waits.

use super::{Element, Tensor};
use crate::{
    error::{Error, Result},
    graph::{DType, Node},
    runtime,
};
use std::{
    future::Future,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

/// A tensor's values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    Bool(Vec<bool>),
    U8(Vec<u8>),
    I32(Vec<i32>),
    U32(Vec<u32>),
    F32(Vec<f32>),
}

impl Data {
    fn from_bytes(bytes: &[u8], dtype: DType) -> Data {
        match dtype {
            DType::Bool => Data::Bool(bool::from_bytes(bytes)),
            DType::U8 => Data::U8(bytes.to_vec()),
            DType::I32 => Data::I32(i32::from_bytes(bytes)),
            DType::U32 => Data::U32(u32::from_bytes(bytes)),
            DType::F32 => Data::F32(f32::from_bytes(bytes)),
        }
    }

    fn filled(value: f64, n: usize, dtype: DType) -> Data {
        match dtype {
            DType::Bool => Data::Bool(vec![value != 0.0; n]),
            DType::U8 => Data::U8(vec![value as u8; n]),
            DType::I32 => Data::I32(vec![value as i32; n]),
            DType::U32 => Data::U32(vec![value as u32; n]),
            DType::F32 => Data::F32(vec![value as f32; n]),
        }
    }

    /// Little-endian elements in row-major order; bool takes one byte each.
    pub fn to_bytes(&self) -> Rc<[u8]> {
        match self {
            Data::Bool(v) => Element::to_bytes(v),
            Data::U8(v) => Element::to_bytes(v),
            Data::I32(v) => Element::to_bytes(v),
            Data::U32(v) => Element::to_bytes(v),
            Data::F32(v) => Element::to_bytes(v),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Data::Bool(v) => v.len(),
            Data::U8(v) => v.len(),
            Data::I32(v) => v.len(),
            Data::U32(v) => v.len(),
            Data::F32(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element `i` as a number; false is 0 and true 1.
    pub fn get(&self, i: usize) -> f64 {
        match self {
            Data::Bool(v) => f64::from(u8::from(v[i])),
            Data::U8(v) => f64::from(v[i]),
            Data::I32(v) => f64::from(v[i]),
            Data::U32(v) => f64::from(v[i]),
            Data::F32(v) => f64::from(v[i]),
        }
    }
}

enum Source {
    Host(Data),
    Device(runtime::ReadFuture),
}

impl Tensor {
    /// The values. Computes them if need be, in the same submission as everything that waits.
    pub async fn data(&self) -> Result<Data> {
        let dtype = self.dtype();
        let bytes = self.node().bytes();
        match self.source()? {
            Source::Host(data) => Ok(data),
            Source::Device(read) => Ok(Data::from_bytes(&read.await?[..bytes], dtype)),
        }
    }

    /// The value of a tensor with one element.
    pub async fn scalar_value(&self) -> Result<f64> {
        self.check_one()?;
        Ok(self.data().await?.get(0))
    }

    /// The values, waiting for them; `T` must be the dtype's own type.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if T::DTYPE != self.dtype() {
            return Err(Error::dtype(
                "to_vec",
                T::DTYPE.name(),
                self.dtype().name(),
                "read it as its own dtype, or cast it first",
            ));
        }
        let bytes = self.node().bytes();
        match self.source()? {
            Source::Host(Data::Bool(v)) => Ok(T::from_bytes(&bool::to_bytes(&v))),
            Source::Host(Data::U8(v)) => Ok(T::from_bytes(&v)),
            Source::Host(Data::I32(v)) => Ok(T::from_bytes(bytemuck::cast_slice(&v))),
            Source::Host(Data::U32(v)) => Ok(T::from_bytes(bytemuck::cast_slice(&v))),
            Source::Host(Data::F32(v)) => Ok(T::from_bytes(bytemuck::cast_slice(&v))),
            Source::Device(read) => Ok(T::from_bytes(&block_on(read)?[..bytes])),
        }
    }

    /// The value of a tensor with one element, waiting for it.
    pub fn item(&self) -> Result<f64> {
        self.check_one()?;
        Ok(block_on(self.data())?.get(0))
    }

    /// The values as NumPy prints them.
    pub async fn to_text(&self) -> Result<String> {
        Ok(super::format(&self.shape(), &self.data().await?))
    }

    fn check_one(&self) -> Result<()> {
        if self.numel() == 1 {
            return Ok(());
        }
        Err(Error::shape(
            "item",
            format!("shape {:?}", self.shape().as_slice()),
            "a tensor with one element",
            "reduce it first, or read all values with data()",
        ))
    }

    fn source(&self) -> Result<Source> {
        let node = self.node();
        if node.numel() == 0 {
            return Ok(Source::Host(Data::filled(0.0, 0, node.dtype)));
        }
        check_size(&node)?;
        if let Some(value) = node.as_const() {
            return Ok(Source::Host(Data::filled(value, node.numel(), node.dtype)));
        }
        if let Some(host) = waiting_bytes(&node) {
            return Ok(Source::Host(host));
        }
        self.realize()?;
        match self.node().storage() {
            Some(storage) => Ok(Source::Device(storage.read())),
            None => {
                let why = node.as_leaf().and_then(|leaf| leaf.released.get());
                Err(Error::data(
                    "data",
                    "a tensor without a value",
                    "a computed tensor",
                    why.unwrap_or("compute it again"),
                ))
            }
        }
    }
}

fn waiting_bytes(node: &Node) -> Option<Data> {
    let leaf = node.as_leaf().filter(|_| !node.is_realized())?;
    let host = leaf.host.borrow();
    Some(Data::from_bytes(host.as_ref()?, node.dtype))
}

/// The values of a tensor that can be read without waiting: data from the host or on the CPU.
pub(crate) fn known_values(tensor: &Tensor) -> Result<Data> {
    let of = tensor.clone();
    runtime::ready(Box::pin(async move { of.data().await })).unwrap_or_else(|| {
        let fix = "read it with data() and make it a tensor again";
        Err(Error::data("load_state_dict", "numbers on a GPU", "numbers that can be read at once", fix))
    })
}

/// Refuses a value no device of this session could hold.
pub(super) fn check_size(node: &Node) -> Result<()> {
    let limit = match node.storage() {
        Some(_) => return Ok(()),
        None => runtime::choose(u64::MAX)?.limits().max_bytes,
    };
    if node.bytes() <= limit {
        return Ok(());
    }
    Err(Error::device(
        "realize",
        format!("{} bytes for shape {:?} {}", node.bytes(), node.shape.as_slice(), node.dtype),
        format!("at most {limit} bytes in one tensor"),
        "use a smaller shape, a smaller dtype or smaller batches",
    ))
}

/// Runs a future to its end; a device's own future drives the device when polled.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}
