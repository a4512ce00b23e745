//! A device that runs every kernel twice, interpreted and as emitted WebAssembly, and compares what they write.

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
use wasmi::{Engine, Linker, Memory, MemoryType, Module, Store, TypedFunc};

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
}

/// Makes this thread's `cpu` the comparing device; counts the kernels it compared.
pub fn install() -> Rc<Cell<usize>> {
    let ran = Rc::new(Cell::new(0));
    let device = Emitted { cpu: Cpu::plain(), engine: Engine::default(), ran: ran.clone() };
    runtime::register("cpu", Ok(Rc::new(device)));
    ran
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
        let both = |kernel: &Rc<Kernel>| {
            let rows = wasm::rows(kernel).expect("every kernel has an emitted form");
            let module = wasm::module(&[(wasm::rows::PARAMS, rows.function)]);
            let module = Module::new(&self.engine, module).unwrap_or_else(|e| panic!("{e}\n{kernel:#?}"));
            let interpreted = self.cpu.compile(&Bundle { kernels: vec![kernel.clone()], ordered: false })?;
            Ok(Both { kernel: kernel.clone(), interpreted, module, units: rows.units })
        };
        Ok(Rc::new(bundle.kernels.iter().map(both).collect::<Result<Vec<Both>>>()?))
    }

    fn submit(&self, plan: u64, launches: &[Launch]) -> Result<()> {
        for launch in launches {
            let parts = launch.program.downcast_ref::<Vec<Both>>().expect("compiled by this device");
            let mut args = &launch.args[..];
            for both in parts {
                let (own, rest) = args.split_at(both.kernel.args.len());
                args = rest;
                let before = self.contents(own)?;
                let alone = Launch { program: &both.interpreted, args: own.into() };
                self.cpu.submit(plan, &[alone])?;
                let after = both.run(&self.engine, &before);
                both.compare(&self.contents(own)?, &after);
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
    fn contents(&self, args: &[Region]) -> Result<Vec<Vec<u8>>> {
        args.iter().map(|r| ready(self.cpu.read(*r)).expect("the CPU reads at once")).collect()
    }
}

impl Both {
    /// The buffers after the emitted function ran over them, in two calls.
    fn run(&self, engine: &Engine, before: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut at = HEAP + before.len() * 4;
        let mut places = Vec::new();
        for bytes in before {
            at = (at + ZONE).next_multiple_of(64);
            places.push(at);
            at += bytes.len() + ZONE;
        }
        let mut store = Store::new(engine, ());
        let memory = Memory::new(&mut store, MemoryType::new(at.div_ceil(65_536) as u32, None)).unwrap();
        let data = memory.data_mut(&mut store);
        data.fill(FILL);
        for (i, (place, bytes)) in places.iter().zip(before).enumerate() {
            data[*place..place + bytes.len()].copy_from_slice(bytes);
            data[HEAP + 4 * i..][..4].copy_from_slice(&(*place as u32).to_le_bytes());
        }
        let mut linker = Linker::new(engine);
        linker.define("env", "memory", memory).unwrap();
        let instance = linker.instantiate_and_start(&mut store, &self.module).unwrap();
        let f: TypedFunc<(i32, i32, i32), ()> = instance.get_typed_func(&store, "0").unwrap();
        let (middle, units) = (self.units as i32 / 2, self.units as i32);
        for (from, to) in [(middle, units), (0, middle)] {
            f.call(&mut store, (HEAP as i32, from, to)).unwrap_or_else(|e| panic!("{e}\n{:#?}", self.kernel));
        }
        let data = memory.data(&store);
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
        for (i, arg) in kernel.args.iter().enumerate() {
            if arg.dtype != DType::F32 {
                assert!(interpreted[i] == emitted[i] || sums && arg.written, "argument {i}\n{kernel:#?}");
                continue;
            }
            let floats = |bytes: &[u8]| -> Vec<f32> {
                bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
            };
            let (want, got) = (floats(&interpreted[i]), floats(&emitted[i]));
            let size = want.iter().filter(|w| w.is_finite()).fold(1e-30f32, |m, w| m.max(w.abs()));
            for (at, (w, g)) in want.iter().zip(&got).enumerate() {
                let equal = w.to_bits() == g.to_bits() || w.is_nan() && g.is_nan();
                let close = (w - g).abs() <= 1e-4 * w.abs() + 2e-5 * size || w == g;
                let fine = equal || close && sums || w == g && !kernel.accs.is_empty();
                assert!(fine, "argument {i}, element {at}: {g} for {w}\n{kernel:#?}");
            }
        }
    }
}
