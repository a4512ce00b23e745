//! A device that runs every kernel twice, interpreted and as emitted WebAssembly, and compares what they write.

#[path = "contraction.rs"]
mod contraction;

use playgrad::{
    Result,
    graph::{DType, Reduce},
    kernel::Kernel,
    render::wasm,
    runtime::{
        self, BufferId, Bundle, Counters, Device, Launch, Limits, Program, ReadFuture, Region, cpu::Cpu,
        ready,
    },
};
use std::{cell::Cell, future::Future, pin::Pin, rc::Rc};
use wasmi::{Engine, Instance, Linker, Memory, MemoryType, Module, Store, TypedFunc};

/// Where the first buffer lies, as far from address 0 as the engine's heap; bytes around each buffer that a kernel
/// must leave as they are.
const HEAP: usize = 1 << 20;
const ZONE: usize = 64;
const FILL: u8 = 0xa5;

pub struct Emitted {
    cpu: Cpu,
    engine: Engine,
    ran: Rc<Cell<usize>>,
}

struct Both {
    kernel: Rc<Kernel>,
    interpreted: Program,
    module: Module,
    units: u32,
    /// Contractions also in parts, with rows and columns either way round.
    parts: Vec<(Module, bool)>,
}

thread_local! {
    static RAN: Rc<Cell<usize>> = {
        let ran = Rc::<Cell<usize>>::default();
        let device = Emitted { cpu: Cpu::plain(), engine: Engine::default(), ran: ran.clone() };
        runtime::register("cpu", Ok(Rc::new(device)));
        ran
    };
}

/// Makes this thread's `cpu` the comparing device; counts the kernels it compared.
pub fn install() -> Rc<Cell<usize>> {
    RAN.with(Rc::clone)
}

impl Device for Emitted {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn description(&self) -> String {
        "interpreter and emitted WebAssembly, compared".into()
    }

    fn limits(&self) -> Limits {
        self.cpu.limits()
    }

    fn counters(&self) -> Counters {
        self.cpu.counters()
    }

    fn alloc(&self, bytes: usize) -> Result<BufferId> {
        self.cpu.alloc(bytes)
    }

    fn free(&self, buffer: BufferId) {
        self.cpu.free(buffer);
    }

    fn write(&self, to: Region, bytes: &[u8]) -> Result<()> {
        self.cpu.write(to, bytes)
    }

    fn read(&self, from: Region) -> ReadFuture {
        self.cpu.read(from)
    }

    fn compile(&self, bundle: &Bundle) -> Result<Program> {
        let parts: Result<Vec<Both>> = bundle.kernels.iter().map(|kernel| self.both(kernel)).collect();
        Ok(Rc::new(parts?))
    }

    fn submit(&self, plan: u64, launches: &[Launch]) -> Result<()> {
        for launch in launches {
            let mut rest = &launch.args[..];
            for both in launch.program.downcast_ref::<Vec<Both>>().expect("compiled by this device") {
                let (args, others) = rest.split_at(both.kernel.args.len());
                rest = others;
                let before = self.contents(args)?;
                let alone = Launch { program: &both.interpreted, args: args.iter().copied().collect() };
                self.cpu.submit(plan, &[alone])?;
                let wanted = self.contents(args)?;
                both.compare(&wanted, &both.run(&self.engine, &both.module, &before, &both.rows()));
                for (module, flipped) in &both.parts {
                    let got = both.run(&self.engine, module, &before, &both.contraction(*flipped));
                    both.compare(&wanted, &got);
                }
                self.ran.set(self.ran.get() + 1);
            }
        }
        Ok(())
    }

    fn idle(&self) -> Pin<Box<dyn Future<Output = Result<()>>>> {
        self.cpu.idle()
    }
}

impl Emitted {
    fn both(&self, kernel: &Rc<Kernel>) -> Result<Both> {
        let rows = wasm::rows(kernel).expect("every kernel has an emitted form");
        let made =
            |bytes: Vec<u8>| Module::new(&self.engine, bytes).unwrap_or_else(|e| panic!("{e}\n{kernel:#?}"));
        let module = made(wasm::module(&[(wasm::rows::PARAMS, rows.function)]));
        let both = |c| [false, true].map(|flipped| (made(contraction::module(kernel, c, flipped)), flipped));
        let parts = kernel.contract.iter().flat_map(both).collect();
        let interpreted = self.cpu.compile(&Bundle { kernels: vec![kernel.clone()], ordered: false })?;
        Ok(Both { kernel: kernel.clone(), interpreted, module, units: rows.units, parts })
    }

    fn contents(&self, args: &[Region]) -> Result<Vec<Vec<u8>>> {
        args.iter().map(|r| ready(self.cpu.read(*r)).expect("the CPU reads at once")).collect()
    }
}

/// What to do with an instance, when the scratch memory starts at the last number.
type Work<'a> = Box<dyn Fn(&mut Store<()>, Instance, usize) + 'a>;

impl Both {
    /// The units in two calls.
    fn rows(&self) -> Work<'_> {
        Box::new(|store, instance, _| {
            let f: TypedFunc<(i32, i32, i32), ()> = instance.get_typed_func(&*store, "0").unwrap();
            let (middle, units) = (self.units as i32 / 2, self.units as i32);
            for (from, to) in [(middle, units), (0, middle)] {
                f.call(&mut *store, (HEAP as i32, from, to))
                    .unwrap_or_else(|e| panic!("{e}\n{:#?}", self.kernel));
            }
        })
    }

    fn contraction(&self, flipped: bool) -> Work<'_> {
        let contract = self.kernel.contract.as_ref().expect("has parts");
        Box::new(move |store, instance, scratch| {
            contraction::run(store, instance, (&self.kernel, contract, flipped), HEAP, scratch);
        })
    }

    /// The buffers after emitted functions ran over them.
    fn run(&self, engine: &Engine, module: &Module, before: &[Vec<u8>], work: &Work) -> Vec<Vec<u8>> {
        let mut at = HEAP + before.len() * 4;
        let mut places = Vec::new();
        for bytes in before {
            at = (at + ZONE).next_multiple_of(64);
            places.push(at);
            at += bytes.len() + ZONE;
        }
        let mut store = Store::new(engine, ());
        let pages = (at + contraction::SCRATCH).div_ceil(65_536) as u32;
        let memory = Memory::new(&mut store, MemoryType::new(pages, None)).unwrap();
        let data = memory.data_mut(&mut store);
        data.fill(FILL);
        for (i, (place, bytes)) in places.iter().zip(before).enumerate() {
            data[*place..place + bytes.len()].copy_from_slice(bytes);
            data[HEAP + 4 * i..][..4].copy_from_slice(&(*place as u32).to_le_bytes());
        }
        let mut linker = Linker::new(engine);
        linker.define("env", "memory", memory).unwrap();
        let instance = linker.instantiate_and_start(&mut store, module).unwrap();
        work(&mut store, instance, at);
        let data = &memory.data(&store)[..at];
        let mut end = HEAP + before.len() * 4;
        for (place, bytes) in places.iter().zip(before) {
            assert!(
                data[end..*place].iter().all(|b| *b == FILL),
                "writes outside its buffers\n{:#?}",
                self.kernel
            );
            end = place + bytes.len();
        }
        assert!(data[end..].iter().all(|b| *b == FILL), "writes outside its buffers\n{:#?}", self.kernel);
        places.iter().zip(before).map(|(place, bytes)| data[*place..place + bytes.len()].to_vec()).collect()
    }

    fn compare(&self, interpreted: &[Vec<u8>], emitted: &[Vec<u8>]) {
        let kernel = &self.kernel;
        let sums = kernel.accs.iter().any(|a| a.dtype == DType::F32 && a.op != Reduce::Max);
        let largest = |bytes: &Vec<u8>| {
            floats(bytes).into_iter().filter(|w| w.is_finite()).fold(1e-30, |m: f32, w| m.max(w.abs()))
        };
        let all = kernel.args.iter().zip(interpreted).filter(|(arg, _)| arg.dtype == DType::F32);
        // Sums that cancel are as exact as what went into them.
        let size = all.map(|(_, bytes)| largest(bytes)).fold(0.0, f32::max);
        for (i, arg) in kernel.args.iter().enumerate() {
            if arg.dtype != DType::F32 {
                let (want, got) = (&interpreted[i], &emitted[i]);
                let equal = want == got || not_numbers(arg.dtype, want, got);
                assert!(equal || sums && arg.written, "argument {i}\n{kernel:#?}");
                continue;
            }
            let (want, got) = (floats(&interpreted[i]), floats(&emitted[i]));
            for (at, (w, g)) in want.iter().zip(&got).enumerate() {
                let equal = w.to_bits() == g.to_bits() || w.is_nan() && g.is_nan();
                let close = (w - g).abs() <= 1e-4 * w.abs() + 2e-5 * size || w == g;
                let fine = equal || close && sums || w == g && !kernel.accs.is_empty();
                assert!(fine, "argument {i}, element {at}: {g} for {w}\n{kernel:#?}");
            }
        }
    }
}

/// Whether halves of floats are equal but for which NaN they hold.
fn not_numbers(dtype: DType, want: &[u8], got: &[u8]) -> bool {
    let infinity: u16 = match dtype {
        DType::F16 => 0x7c00,
        DType::BF16 => 0x7f80,
        _ => return false,
    };
    let bits = |b: &[u8]| u16::from_le_bytes([b[0], b[1]]);
    let nan = |b: &[u8]| bits(b) & 0x7fff > infinity;
    want.chunks_exact(2).zip(got.chunks_exact(2)).all(|(w, g)| w == g || nan(w) && nan(g))
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}
