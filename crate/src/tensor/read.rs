//! Reading values back: the only place where the engine waits.

use super::{BF16, Element, F16, Tensor};
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
    I8(Vec<i8>),
    U8(Vec<u8>),
    I32(Vec<i32>),
    U32(Vec<u32>),
    I64(Vec<i64>),
    F16(Vec<F16>),
    BF16(Vec<BF16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// `$f` of the vector, whatever its type.
macro_rules! each {
    ($data:expr, $v:ident => $f:expr) => {
        match $data {
            Data::Bool($v) => $f,
            Data::I8($v) => $f,
            Data::U8($v) => $f,
            Data::I32($v) => $f,
            Data::U32($v) => $f,
            Data::I64($v) => $f,
            Data::F16($v) => $f,
            Data::BF16($v) => $f,
            Data::F32($v) => $f,
            Data::F64($v) => $f,
        }
    };
}

impl Data {
    pub(crate) fn from_bytes(bytes: &[u8], dtype: DType) -> Data {
        match dtype {
            DType::Bool => Data::Bool(bool::from_bytes(bytes)),
            DType::I8 => Data::I8(i8::from_bytes(bytes)),
            DType::U8 => Data::U8(bytes.to_vec()),
            DType::I32 => Data::I32(i32::from_bytes(bytes)),
            DType::U32 => Data::U32(u32::from_bytes(bytes)),
            DType::I64 => Data::I64(i64::from_bytes(bytes)),
            DType::F16 => Data::F16(F16::from_bytes(bytes)),
            DType::BF16 => Data::BF16(BF16::from_bytes(bytes)),
            DType::F32 => Data::F32(f32::from_bytes(bytes)),
            DType::F64 => Data::F64(f64::from_bytes(bytes)),
        }
    }

    fn filled(value: f64, n: usize, dtype: DType) -> Data {
        Data::from_bytes(&dtype.bytes_of(value)[..dtype.size()].repeat(n), dtype)
    }

    pub fn dtype(&self) -> DType {
        fn own<T: Element>(_: &[T]) -> DType {
            T::DTYPE
        }
        each!(self, v => own(v))
    }

    /// Little-endian elements in row-major order; bool takes one byte each.
    pub fn to_bytes(&self) -> Rc<[u8]> {
        each!(self, v => Element::to_bytes(v))
    }

    pub fn len(&self) -> usize {
        each!(self, v => v.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element `i` as a number; false is 0 and true 1, an int64 beyond 2⁵³ is rounded.
    pub fn get(&self, i: usize) -> f64 {
        match self {
            Data::Bool(v) => v[i].into(),
            Data::I8(v) => v[i].into(),
            Data::U8(v) => v[i].into(),
            Data::I32(v) => v[i].into(),
            Data::U32(v) => v[i].into(),
            Data::I64(v) => v[i] as f64,
            Data::F16(v) => f32::from(v[i]).into(),
            Data::BF16(v) => f32::from(v[i]).into(),
            Data::F32(v) => v[i].into(),
            Data::F64(v) => v[i],
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
            Source::Host(data) => Ok(T::from_bytes(&data.to_bytes())),
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
