//! Nothing fails silently: error scopes around creation, a lost device, errors nobody caught.

use crate::{
    error::{Error, Result},
    graph::Custom,
    render::custom::refused,
};
use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex},
};

type Pending = Pin<Box<dyn Future<Output = Result<()>>>>;

pub struct Health {
    name: &'static str,
    device: wgpu::Device,
    lost: Arc<Mutex<Option<String>>>,
    uncaught: Arc<Mutex<Option<String>>>,
    /// What a browser has not answered yet.
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
        let (made, caught) = scoped(device, create);
        let mut error = error();
        self.answer(Box::pin(async move {
            let Some(message) = caught.await else { return Ok(()) };
            error.got = format!("{}: {message}", error.got);
            Err(error)
        }))?;
        Ok(made)
    }

    /// As `checked`, for a kernel of the user's; `origin` gives the byte of its text for one of the shader. What went
    /// wrong goes to its verdict, which what it computes waits for, and natively is returned as well.
    pub fn judged<T>(
        &self,
        custom: &Rc<Custom>,
        origin: impl Fn(usize) -> usize + 'static,
        device: &wgpu::Device,
        create: impl FnOnce() -> (T, wgpu::ShaderModule),
    ) -> Result<T> {
        custom.verdict.asked();
        let ((made, module), caught) = scoped(device, create);
        let own = custom.clone();
        self.answer(Box::pin(async move {
            let result = match caught.await {
                None => Ok(()),
                Some(message) => Err(refusal(&own, &module, &origin, message).await),
            };
            own.verdict.settle(result);
            Ok(())
        }))?;
        custom.verdict.so_far()?;
        Ok(made)
    }

    /// Runs `work`, whose errors have another cause that is told.
    pub fn quietly(&self, device: &wgpu::Device, work: impl FnOnce()) {
        let ((), caught) = scoped(device, work);
        let told = self.answer(Box::pin(async move {
            caught.await;
            Ok(())
        }));
        told.expect("it fails never");
    }

    /// Natively an answer is there; a browser's is waited for when something is read.
    fn answer(&self, pending: Pending) -> Result<()> {
        if cfg!(target_family = "wasm") {
            self.pending.borrow_mut().push(pending);
            return Ok(());
        }
        pollster::block_on(pending)
    }

    /// The first error among the scopes that were open.
    pub async fn settled(&self) -> Result<()> {
        let pending = self.pending.take();
        let mut first = Ok(());
        for caught in pending {
            first = first.and(caught.await);
        }
        first.and(self.alive())
    }
}

type Caught = Pin<Box<dyn Future<Output = Option<String>>>>;

/// Runs `create` in error scopes; the driver's message, if there was an error.
fn scoped<T>(device: &wgpu::Device, create: impl FnOnce() -> T) -> (T, Caught) {
    let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
    let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let made = create();
    let scopes = [validation.pop(), internal.pop(), memory.pop()];
    let caught = async move {
        let mut first = None;
        for scope in scopes {
            first = first.or(scope.await);
        }
        Some(match first? {
            wgpu::Error::OutOfMemory { .. } => "out of memory".to_string(),
            wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
                description.trim().to_string()
            }
        })
    };
    (made, Box::pin(caught))
}

/// The one line of naga's message that says what is wrong; others show a shader that the user did not write.
fn brief(message: &str) -> &str {
    if cfg!(target_family = "wasm") {
        return message;
    }
    let message = message.trim();
    let reason = message.lines().rev().find_map(|l| l.trim_start().strip_prefix("= "));
    let first = message.lines().next().unwrap_or_default();
    reason.unwrap_or(first.split_once("error: ").map_or(first, |(_, rest)| rest))
}

/// What the compiler says of a kernel of the user's, at the user's line; `message` where it says nothing.
async fn refusal(
    custom: &Custom,
    module: &wgpu::ShaderModule,
    origin: &dyn Fn(usize) -> usize,
    message: String,
) -> Error {
    let info = module.get_compilation_info().await;
    let wrong = |m: &&wgpu::CompilationMessage| m.message_type == wgpu::CompilationMessageType::Error;
    let text = custom.source.wgsl.as_deref().unwrap_or_default();
    match info.messages.iter().find(wrong) {
        Some(told) => {
            let at = told.location.map(|l| origin(l.offset as usize));
            refused(custom, "wgsl", text, at, brief(&told.message))
        }
        None => refused(custom, "wgsl", text, None, &message),
    }
}
