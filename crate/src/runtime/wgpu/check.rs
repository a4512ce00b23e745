//! Nothing fails silently: error scopes around creation, a lost device, errors nobody caught.

use crate::error::{Error, Result};
use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
};

type Pending = (Pin<Box<dyn Future<Output = Option<wgpu::Error>>>>, Error);

pub struct Health {
    name: &'static str,
    device: wgpu::Device,
    lost: Arc<Mutex<Option<String>>>,
    uncaught: Arc<Mutex<Option<String>>>,
    /// Error scopes a browser has not answered yet, with the error to report if it caught something.
    pending: RefCell<Vec<Pending>>,
}

impl Health {
    pub fn watch(name: &'static str, device: &wgpu::Device) -> Health {
        let (lost, uncaught) =
            (Arc::<Mutex<Option<String>>>::default(), Arc::<Mutex<Option<String>>>::default());
        let set = |to: &Arc<Mutex<Option<String>>>| {
            let to = to.clone();
            move |message: String| {
                if let Ok(mut first) = to.lock() {
                    first.get_or_insert(message);
                }
            }
        };
        let (tell_lost, tell_uncaught) = (set(&lost), set(&uncaught));
        device.set_device_lost_callback(move |reason, message| tell_lost(format!("{reason:?}: {message}")));
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| tell_uncaught(error.to_string())));
        Health { name, device: device.clone(), lost, uncaught, pending: RefCell::default() }
    }

    /// An error once the device is lost, and for an error that no scope caught.
    pub fn alive(&self) -> Result<()> {
        let uncaught = self.uncaught.lock().ok().and_then(|mut u| u.take());
        if uncaught.is_some() {
            // A loss explains whatever else went wrong, but is only told when the device is polled.
            let _ = self.device.poll(wgpu::PollType::Poll);
        }
        let failed = |got: String, fix: &str| Err(Error::device(self.name, got, "a working device", fix));
        if let Some(why) = self.lost.lock().ok().and_then(|l| l.clone()) {
            return failed(
                format!("the device was lost ({why})"),
                "run again: a new device is opened; or use cpu",
            );
        }
        match uncaught {
            Some(message) => failed(message, "report this message; device=\"cpu\" gives the same results"),
            None => Ok(()),
        }
    }

    /// Runs `create` in error scopes. Natively a caught error is returned at once; a browser answers later, and
    /// `settled` reports it. The driver's message is added to `error`.
    pub fn checked<T>(
        &self,
        error: impl FnOnce() -> Error,
        device: &wgpu::Device,
        create: impl FnOnce() -> T,
    ) -> Result<T> {
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let made = create();
        let scopes = [validation.pop(), internal.pop(), memory.pop()];
        let caught: Pending = (
            Box::pin(async move {
                let mut first = None;
                for scope in scopes {
                    first = first.or(scope.await);
                }
                first
            }),
            error(),
        );
        if cfg!(target_family = "wasm") {
            self.pending.borrow_mut().push(caught);
            return Ok(made);
        }
        pollster::block_on(report(caught))?;
        Ok(made)
    }

    /// The first error among the scopes that were open.
    pub async fn settled(&self) -> Result<()> {
        let pending = self.pending.take();
        let mut first = Ok(());
        for caught in pending {
            first = first.and(report(caught).await);
        }
        first.and(self.alive())
    }
}

async fn report((caught, mut error): Pending) -> Result<()> {
    let message = match caught.await {
        None => return Ok(()),
        Some(wgpu::Error::OutOfMemory { .. }) => "out of memory".to_string(),
        Some(wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. }) => {
            description
        }
    };
    error.got = format!("{}: {}", error.got, message.trim());
    Err(error)
}
