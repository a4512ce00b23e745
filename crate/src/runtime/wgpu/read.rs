//! Reading back. Reads asked for together share one copy, one submission and one mapping.

use super::{Inner, ReadFuture, Region};
use crate::error::{Error, Result};
use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

/// Staging buffers kept for later reads, and the largest worth keeping.
const POOLED: usize = 8;
const POOLED_BYTES: u64 = 64 << 20;

#[derive(Default)]
pub struct Reads {
    /// The batch that new reads join until it is flushed.
    open: RefCell<Option<Rc<Batch>>>,
    pool: RefCell<Vec<wgpu::Buffer>>,
}

#[derive(Default)]
struct Batch {
    /// Source, its offset, offset in the staging buffer, bytes.
    copies: RefCell<Vec<(wgpu::Buffer, u64, u64, u64)>>,
    bytes: Cell<u64>,
    staging: RefCell<Option<wgpu::Buffer>>,
    mapped: Signal,
    readers: Cell<usize>,
}

impl Reads {
    /// Starts the copies of the open batch; work queued later cannot change what they read.
    pub fn flush(&self, gpu: &Inner) {
        let Some(batch) = self.open.take() else { return };
        let size = batch.bytes.get().next_power_of_two().max(256);
        let staging = self.staging(gpu, size);
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        for (source, from, to, bytes) in batch.copies.take() {
            encoder.copy_buffer_to_buffer(&source, from, &staging, to, bytes);
        }
        gpu.queue.submit([encoder.finish()]);
        let done = batch.mapped.clone();
        staging.map_async(wgpu::MapMode::Read, .., move |result| {
            done.set(result.map_err(|e| e.to_string()));
        });
        *batch.staging.borrow_mut() = Some(staging);
    }

    fn staging(&self, gpu: &Inner, size: u64) -> wgpu::Buffer {
        let mut pool = self.pool.borrow_mut();
        if let Some(i) = pool.iter().position(|b| b.size() == size) {
            return pool.swap_remove(i);
        }
        gpu.made();
        gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("playgrad read"),
            size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }

    /// The last reader of a batch gives its buffer back.
    fn done(&self, batch: &Batch) {
        batch.readers.set(batch.readers.get() - 1);
        if batch.readers.get() > 0 {
            return;
        }
        let Some(staging) = batch.staging.take() else { return };
        staging.unmap();
        let mut pool = self.pool.borrow_mut();
        if pool.len() < POOLED && staging.size() <= POOLED_BYTES {
            pool.push(staging);
        }
    }
}

/// A read that was asked for; dropping it without awaiting it is fine.
struct Reader {
    gpu: Rc<Inner>,
    batch: Rc<Batch>,
    at: u64,
    bytes: usize,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.gpu.reads.done(&self.batch);
    }
}

pub fn read(gpu: &Rc<Inner>, from: Region) -> ReadFuture {
    let reader = match join(gpu, from) {
        Ok(reader) => reader,
        Err(error) => return Box::pin(std::future::ready(Err(error))),
    };
    Box::pin(async move {
        let gpu = reader.gpu.clone();
        gpu.reads.flush(&gpu);
        let mapped = gpu.wait(&reader.batch.mapped).await;
        gpu.health.settled().await?;
        mapped?;
        let staging = reader.batch.staging.borrow();
        let staging = staging.as_ref().expect("a flushed batch has a staging buffer");
        let view = staging.get_mapped_range(..).map_err(|e| failed(gpu.name, e.to_string()))?;
        let at = reader.at as usize;
        Ok(view[at..at + reader.bytes].to_vec())
    })
}

fn join(gpu: &Rc<Inner>, from: Region) -> Result<Reader> {
    gpu.health.alive()?;
    let memory = gpu.memory.borrow();
    let place = memory.place(from.buffer)?;
    let batch = gpu.reads.open.borrow_mut().get_or_insert_default().clone();
    let at = batch.bytes.get();
    let whole = from.bytes.next_multiple_of(4) as u64;
    if whole > 0 {
        let source = memory.buffer(place.slab).clone();
        batch.copies.borrow_mut().push((source, (place.offset + from.offset) as u64, at, whole));
    }
    batch.bytes.set(at + whole.next_multiple_of(8));
    batch.readers.set(batch.readers.get() + 1);
    Ok(Reader { gpu: gpu.clone(), batch, at, bytes: from.bytes })
}

pub fn idle(gpu: &Rc<Inner>) -> Pin<Box<dyn Future<Output = Result<()>>>> {
    let gpu = gpu.clone();
    if let Err(error) = gpu.health.alive() {
        return Box::pin(std::future::ready(Err(error)));
    }
    gpu.reads.flush(&gpu);
    let signal = Signal::default();
    let done = signal.clone();
    gpu.queue.on_submitted_work_done(move || done.set(Ok(())));
    Box::pin(async move {
        let ran = gpu.wait(&signal).await;
        gpu.health.settled().await?;
        ran
    })
}

fn failed(name: &str, message: String) -> Error {
    let got = format!("a device that was lost while it was read ({message})");
    Error::device(name, got, "a working device", "run again: a new device is opened; or use cpu")
}

impl Inner {
    /// Natively blocks until the GPU is done; in a browser the promise comes by itself.
    async fn wait(&self, signal: &Signal) -> Result<()> {
        if !cfg!(target_family = "wasm") && !signal.is_set() {
            let polled = self.device.poll(wgpu::PollType::wait_indefinitely());
            if !signal.is_set() {
                signal.set(Err(format!("the device did not finish ({polled:?})")));
            }
        }
        signal.clone().await.map_err(|message| failed(self.name, message))
    }
}

/// A result that a callback sets, once.
#[derive(Clone, Default)]
struct Signal(Arc<Mutex<SignalState>>);

#[derive(Default)]
struct SignalState {
    result: Option<Result<(), String>>,
    waiting: Vec<Waker>,
}

impl Signal {
    fn set(&self, result: Result<(), String>) {
        let Ok(mut state) = self.0.lock() else { return };
        state.result.get_or_insert(result);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    fn is_set(&self) -> bool {
        self.0.lock().is_ok_and(|s| s.result.is_some())
    }
}

impl Future for Signal {
    type Output = Result<(), String>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(mut state) = self.0.lock() else {
            return Poll::Ready(Err("a callback panicked".into()));
        };
        match &state.result {
            Some(result) => Poll::Ready(result.clone()),
            None => {
                state.waiting.push(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
