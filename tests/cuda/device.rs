//! `cuda` without a GPU: kernels rendered as CUDA C++ and run on the CPU.
//!
//! Compilers are slow to start, so work is done twice: first interpreted, to collect the kernels, then, when all are
//! built, by them. Kernels that were not collected are built one by one.

#![allow(dead_code, reason = "not every test program asks everything")]

#[path = "build.rs"]
mod build;

pub use build::missing;
use playgrad::{
    Result,
    kernel::{Arg, Kernel},
    render::{self, Bindings, CUDA, Target},
    runtime::{
        self, BufferId, Bundle, Counters, Device, Launch, Limits, Program, ReadFuture, Region, cpu::Cpu,
        ready,
    },
};
use rustc_hash::FxHashMap;
use std::{
    alloc::{Layout, alloc, dealloc},
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
};

const GPU: Target = Target { lang: &CUDA, emulated: false, lanes: 1, matrices: None };

/// Bytes around each buffer that a kernel must leave as they are; not a number, if read.
const ZONE: usize = 256;
const FILL: u8 = 0xff;

pub struct Shim {
    target: Target,
    cpu: Cpu,
    memory: RefCell<FxHashMap<u64, Buffer>>,
    next: Cell<u64>,
    sources: RefCell<FxHashMap<u64, String>>,
    collecting: Cell<bool>,
    ran: Cell<u64>,
    launched: Cell<u64>,
}

struct Stage {
    name: String,
    source: String,
    hash: u64,
    grid: [u32; 2],
    threads: u32,
}

struct Compiled {
    stages: Vec<Stage>,
    kernels: Vec<(Rc<Kernel>, Program)>,
}

/// Makes this thread's `cuda` a shim; says why if there can be none.
pub fn install() -> std::result::Result<Rc<Shim>, String> {
    install_for(GPU)
}

pub fn install_for(target: Target) -> std::result::Result<Rc<Shim>, String> {
    if let Some(why) = missing() {
        return Err(why);
    }
    let shim = Rc::new(Shim::new(target));
    runtime::register("cuda", Ok(shim.clone()));
    runtime::set_default("cuda").unwrap();
    Ok(shim)
}

/// What the shim says of a kernel of 64 threads over 64 integers.
pub fn fault(body: &str) -> std::result::Result<(), String> {
    let source = format!(
        "struct Launch {{ int* a0; }};\nextern \"C\" __global__ void launch(const Launch at) {{ {body} }}"
    );
    let hash = build::hash(&source);
    build::build(&FxHashMap::from_iter([(hash, source)]));
    let buffer = Buffer::new(256);
    // SAFETY: the buffer and its zones hold what the tests' kernels write.
    unsafe { build::run(hash, &[buffer.start()], [1, 1], 64) }?;
    if buffer.intact() { Ok(()) } else { Err("writes outside its buffers".into()) }
}

impl Shim {
    fn new(target: Target) -> Shim {
        Shim {
            target,
            cpu: Cpu::default(),
            memory: RefCell::default(),
            next: Cell::default(),
            sources: RefCell::default(),
            collecting: Cell::default(),
            ran: Cell::default(),
            launched: Cell::default(),
        }
    }

    /// Runs `work` interpreted, then builds the kernels it needed.
    pub fn collect(&self, work: impl FnOnce()) {
        self.collecting.set(true);
        work();
        self.collecting.set(false);
        build::build(&self.sources.take());
    }

    /// Launches of kernels that were built.
    pub fn ran(&self) -> u64 {
        self.ran.get()
    }

    /// Launches, run or interpreted.
    pub fn launched(&self) -> u64 {
        self.launched.get()
    }

    fn pointer(&self, region: Region) -> *mut u8 {
        let memory = self.memory.borrow();
        let buffer = &memory[&region.buffer.0];
        assert!(region.offset + region.bytes <= buffer.bytes, "a region outside its buffer");
        buffer.start().wrapping_add(region.offset)
    }

    fn bytes(&self, region: Region) -> &[u8] {
        // SAFETY: the region lies inside its buffer, which is initialised and lives until it is freed.
        unsafe { std::slice::from_raw_parts(self.pointer(region), region.bytes) }
    }

    fn put(&self, region: Region, bytes: &[u8]) {
        assert!(bytes.len() <= region.bytes);
        // SAFETY: as in `bytes`; the two do not overlap, one being outside the device.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.pointer(region), bytes.len()) }
    }

    fn interpret(&self, kernel: &Kernel, program: &Program, args: &[Region]) -> Result<()> {
        let mut own = Vec::new();
        for region in args {
            let own_region = Region { buffer: self.cpu.alloc(region.bytes)?, offset: 0, ..*region };
            self.cpu.write(own_region, self.bytes(*region))?;
            own.push(own_region);
        }
        self.cpu.submit(0, &[Launch { program, args: own.iter().copied().collect() }])?;
        for (i, region) in own.iter().enumerate() {
            if kernel.args[i].written {
                self.put(args[i], &ready(self.cpu.read(*region)).expect("the CPU reads at once")?);
            }
            self.cpu.free(region.buffer);
        }
        Ok(())
    }

    fn run(&self, stage: &Stage, args: &[Region]) {
        let pointers: Vec<*mut u8> = args.iter().map(|r| self.pointer(*r)).collect();
        // SAFETY: the bundle's arguments, which the scheduler made long enough.
        let done = unsafe { build::run(stage.hash, &pointers, stage.grid, stage.threads) };
        let memory = self.memory.borrow();
        let intact = args.iter().all(|r| memory[&r.buffer.0].intact());
        let why = done.err().or((!intact).then(|| "writes outside its buffers".into()));
        assert!(why.is_none(), "{}: {}\n{}", stage.name, why.unwrap_or_default(), stage.source);
        self.ran.set(self.ran.get() + 1);
    }
}

impl Device for Shim {
    fn name(&self) -> &'static str {
        "cuda"
    }

    fn description(&self) -> String {
        "CUDA C++ on the CPU".into()
    }

    fn limits(&self) -> Limits {
        Limits { max_buffers: 32, max_bytes: 1 << 30, alignment: 256, emulated: false }
    }

    fn counters(&self) -> Counters {
        Counters::default()
    }

    fn alloc(&self, bytes: usize) -> Result<BufferId> {
        let id = self.next.replace(self.next.get() + 1);
        self.memory.borrow_mut().insert(id, Buffer::new(bytes));
        Ok(BufferId(id))
    }

    fn free(&self, buffer: BufferId) {
        let buffer = self.memory.borrow_mut().remove(&buffer.0);
        assert!(buffer.is_none_or(|b| b.intact()), "something wrote outside its buffers");
    }

    fn write(&self, to: Region, bytes: &[u8]) -> Result<()> {
        self.put(to, bytes);
        Ok(())
    }

    fn read(&self, from: Region) -> ReadFuture {
        Box::pin(std::future::ready(Ok(self.bytes(from).to_vec())))
    }

    fn parts(&self, kernel: &Kernel) -> usize {
        render::parts(kernel, self.target)
    }

    fn packed(&self) -> bool {
        false
    }

    fn rows(&self) -> usize {
        render::rows(self.target)
    }

    fn compile(&self, bundle: &Bundle) -> Result<Program> {
        let args: Vec<Arg> = bundle.kernels.iter().flat_map(|k| k.args.iter().copied()).collect();
        let slots: Vec<usize> = (0..args.len()).collect();
        let stage = |dispatch: &render::Dispatch| {
            let shader = dispatch.render(Bindings { args: &args, slots: &slots }, self.target);
            let hash = build::hash(&shader.source);
            let render::Shader { source, grid, threads, .. } = shader;
            Stage { name: dispatch.name(), source, hash, grid, threads }
        };
        let stages: Vec<Stage> = render::dispatches(bundle, self.target).iter().map(stage).collect();
        self.sources.borrow_mut().extend(stages.iter().map(|s| (s.hash, s.source.clone())));
        let interpreted = |kernel: &Rc<Kernel>| {
            let alone = Bundle { kernels: vec![kernel.clone()], ordered: false };
            Ok((kernel.clone(), self.cpu.compile(&alone)?))
        };
        let kernels = bundle.kernels.iter().map(interpreted).collect::<Result<_>>()?;
        Ok(Rc::new(Compiled { stages, kernels }))
    }

    fn submit(&self, _plan: u64, launches: &[Launch]) -> Result<()> {
        if !self.collecting.get() {
            build::build(&self.sources.take());
        }
        for launch in launches {
            let compiled = launch.program.downcast_ref::<Compiled>().expect("compiled by this device");
            self.launched.set(self.launched.get() + compiled.stages.len() as u64);
            if self.collecting.get() {
                let mut rest = &launch.args[..];
                for (kernel, program) in &compiled.kernels {
                    let (own, others) = rest.split_at(kernel.args.len());
                    self.interpret(kernel, program, own)?;
                    rest = others;
                }
            } else {
                compiled.stages.iter().for_each(|s| self.run(s, &launch.args));
            }
        }
        Ok(())
    }

    fn idle(&self) -> Pin<Box<dyn Future<Output = Result<()>>>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

struct Buffer {
    whole: *mut u8,
    bytes: usize,
}

impl Buffer {
    fn new(bytes: usize) -> Buffer {
        // SAFETY: the layout is not empty; the zones and what lies between them are filled before anyone reads.
        let whole = unsafe {
            let whole = alloc(Self::layout(bytes));
            assert!(!whole.is_null());
            whole.write_bytes(FILL, Self::layout(bytes).size());
            whole
        };
        Buffer { whole, bytes }
    }

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes + 2 * ZONE, ZONE).unwrap()
    }

    fn start(&self) -> *mut u8 {
        self.whole.wrapping_add(ZONE)
    }

    fn intact(&self) -> bool {
        // SAFETY: both zones belong to the allocation.
        let zone = |from: usize| unsafe { std::slice::from_raw_parts(self.whole.add(from), ZONE) };
        [zone(0), zone(ZONE + self.bytes)].iter().all(|z| z.iter().all(|b| *b == FILL))
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with this layout.
        unsafe { dealloc(self.whole, Self::layout(self.bytes)) }
    }
}
