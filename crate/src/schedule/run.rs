use super::{
    capture,
    plan::{self, Place, Plan},
};
#[cfg(not(target_family = "wasm"))]
use crate::runtime::ProcessGroup;
use crate::{
    error::{Error, Result},
    graph::{DType, Node, Op, Shape, hash_op, topo},
    runtime::{self, Device, Launch, Region, Storage, ready},
};
use rustc_hash::{FxHashMap, FxHasher};
use std::{
    cell::RefCell,
    hash::{Hash, Hasher},
    rc::Rc,
};

/// What planning and running have done on this thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub plans_compiled: u64,
    pub plan_hits: u64,
    pub kernels: u64,
    pub flops: u64,
    pub bytes: u64,
}

/// Plans kept before the cache starts over; a program whose graphs never repeat must not fill the memory.
const MAX_PLANS: usize = 512;

#[derive(Default)]
struct Engine {
    plans: FxHashMap<(u64, u64, &'static str), Rc<Plan>>,
    temps: FxHashMap<&'static str, Storage>,
    /// For which device of a name the plans and temporaries are.
    devices: FxHashMap<&'static str, Rc<dyn Device>>,
    stats: Stats,
    next: u64,
}

impl Engine {
    /// Forgets what was made for an earlier device of this name: a lost GPU is opened again as another.
    fn meet(&mut self, device: &Rc<dyn Device>) {
        let name = device.name();
        if self.devices.get(name).is_none_or(|known| !same(known, device)) {
            self.plans.retain(|key, _| key.2 != name);
            self.temps.remove(name);
            self.devices.insert(name, device.clone());
        }
    }
}

thread_local! {
    static ENGINE: RefCell<Engine> = RefCell::default();
}

pub fn stats() -> Stats {
    ENGINE.with_borrow(|e| e.stats)
}

/// Computes `nodes` together, as one submission, and remembers their storage on them. Waits for nothing.
///
/// # Errors
/// `Device` when memory or a limit is exceeded, when a kernel does not compile, or when a leaf's storage was
/// released.
pub fn realize(nodes: &[Node]) -> Result<()> {
    realize_into(nodes, &|_| None)
}

/// As [`realize`]; `given` may name the storage of an output.
fn realize_into(nodes: &[Node], given: &dyn Fn(usize) -> Option<Storage>) -> Result<()> {
    let outputs: Vec<Node> = nodes.iter().filter(|n| !n.is_realized()).cloned().collect();
    if outputs.is_empty() {
        return Ok(());
    }
    if !cfg!(feature = "run") {
        return runtime::device("cpu").map(drop);
    }
    #[cfg(debug_assertions)]
    crate::graph::verify(&outputs);
    let order = topo(&outputs);
    let inputs: Vec<Node> =
        order.iter().filter(|n| n.is_realized() || matches!(n.op, Op::Buffer(_))).cloned().collect();
    let device = device_for(&order, &inputs)?;
    for node in outputs.iter().chain(&inputs) {
        if node.bytes() > device.limits().max_bytes {
            return Err(plan::too_big(node.bytes(), &*device));
        }
    }
    let key = key(&order, &outputs, device.name());
    let known = ENGINE.with_borrow_mut(|e| {
        e.meet(&device);
        let known = e.plans.get(&key).cloned();
        e.stats.plan_hits += u64::from(known.is_some());
        known
    });
    let plan = match known {
        Some(plan) => plan,
        None => compile(key, &outputs, &inputs, &*device)?,
    };
    let storages = inputs.iter().map(|n| input(n, &device)).collect::<Result<Vec<_>>>()?;
    let results = execute(&plan, &device, &storages, given)?;
    outputs.iter().zip(results).for_each(|(node, storage)| node.set_storage(Some(storage)));
    capture::record(&plan, &device, &inputs, &outputs);
    Ok(())
}

/// Of each computed float32 value, its sum over the processes of a group, each of which asks for the same.
///
/// # Errors
/// `Device` when a process is gone or asks for something else.
#[cfg(not(target_family = "wasm"))]
pub fn sum(processes: &Rc<ProcessGroup>, nodes: &[Node]) -> Result<Vec<Node>> {
    let Some(device) = nodes.iter().find_map(Node::storage).map(|s| s.device().clone()) else {
        return Ok(Vec::new());
    };
    let from = nodes.iter().map(|n| input(n, &device)).collect::<Result<Vec<_>>>()?;
    let leaf = |(s, n): (Storage, &Node)| Node::from_storage(s, n.shape.clone(), n.dtype, false);
    let sums: Vec<Node> = sums(processes, &device, &from)?.into_iter().zip(nodes).map(leaf).collect();
    capture::record_sum(processes, &device, nodes, &sums);
    Ok(sums)
}

#[cfg(not(target_family = "wasm"))]
pub(super) fn sums(
    processes: &ProcessGroup,
    device: &Rc<dyn Device>,
    from: &[Storage],
) -> Result<Vec<Storage>> {
    let to = from.iter().map(|s| Storage::new(device, s.bytes())).collect::<Result<Vec<_>>>()?;
    let regions: Vec<_> = from.iter().zip(&to).map(|(from, to)| (from.region(), to.region())).collect();
    device.sum(processes, &regions)?;
    Ok(to)
}

fn compile(
    key: (u64, u64, &'static str),
    outputs: &[Node],
    inputs: &[Node],
    device: &dyn Device,
) -> Result<Rc<Plan>> {
    if let Some(node) = topo(outputs).iter().find(|n| !device.holds(n.dtype)) {
        let known: Vec<&str> = DType::ALL.iter().filter(|d| device.holds(**d)).map(|d| d.name()).collect();
        return Err(Error::dtype(
            "realize",
            format!("{} on {}", node.dtype, device.name()),
            known.join(", "),
            "cast it to one of these, or compute on the cpu device",
        ));
    }
    let id = ENGINE.with_borrow_mut(|e| {
        e.next += 1;
        e.stats.plans_compiled += 1;
        e.next
    });
    let plan = Rc::new(plan::plan(id, outputs, inputs, device)?);
    if crate::debug::level() >= 2 {
        eprint!("{}", crate::debug::describe(&plan, crate::debug::level() >= 4));
    }
    ENGINE.with_borrow_mut(|e| {
        if e.plans.len() >= MAX_PLANS {
            e.plans.clear();
        }
        e.plans.insert(key, plan.clone());
    });
    Ok(plan)
}

/// The graph's structure: equal for graphs that differ only in which buffers they read. `order` is the last walk's.
fn key(order: &[Node], outputs: &[Node], device: &'static str) -> (u64, u64, &'static str) {
    let (mut a, mut b) = (FxHasher::default(), 0u64);
    for node in order {
        let mut op = FxHasher::default();
        if node.is_realized() || matches!(node.op, Op::Buffer(_)) {
            u64::MAX.hash(&mut op);
        } else {
            hash_op(&node.op, &mut op);
            node.src.iter().for_each(|s| s.number().hash(&mut op));
        }
        node.shape.hash(&mut op);
        node.dtype.hash(&mut op);
        op.finish().hash(&mut a);
        b = mix(b ^ op.finish());
    }
    for output in outputs {
        output.number().hash(&mut a);
        b = mix(b ^ u64::from(output.number()));
    }
    (a.finish(), b, device)
}

/// The finalizer of splitmix64: an avalanche that the other half of the key does not share.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Where the data is, GPUs first; the registry's choice where there is none, if it has the dtypes.
fn device_for(order: &[Node], inputs: &[Node]) -> Result<Rc<dyn Device>> {
    let held: Vec<Rc<dyn Device>> =
        inputs.iter().filter_map(|n| n.storage().map(|s| s.device().clone())).collect();
    if let Some(device) = held.iter().find(|d| d.name() != "cpu").or(held.first()) {
        return Ok(device.clone());
    }
    let points = |n: &Node| if matches!(n.op, Op::Reduce(..)) { n.src[0].numel() as u64 } else { 0 };
    let chosen = runtime::choose_for_plan(2 * order.iter().map(points).sum::<u64>())?;
    if runtime::default_device().is_none() && order.iter().any(|n| !chosen.holds(n.dtype)) {
        return runtime::device("cpu");
    }
    Ok(chosen)
}

/// The storage of an input on `device`, uploaded, refreshed or moved there if need be.
pub(super) fn input(node: &Node, device: &Rc<dyn Device>) -> Result<Storage> {
    let leaf = node.as_leaf();
    if let Some(fix) = leaf.and_then(|l| l.released.get()) {
        return Err(Error::argument(
            "realize",
            "a tensor whose weights have changed since",
            "current weights",
            fix,
        ));
    }
    if let Some(refresh) = leaf.and_then(|l| l.refresh.as_ref()) {
        let bytes = refresh();
        let storage = match node.storage() {
            Some(storage) if same(storage.device(), device) => storage,
            _ => Storage::new(device, bytes.len())?,
        };
        device.write(storage.region(), &bytes)?;
        node.set_storage(Some(storage.clone()));
        return Ok(storage);
    }
    let storage = match (node.storage(), leaf.and_then(|l| l.host.borrow().clone())) {
        (Some(storage), _) if same(storage.device(), device) => return Ok(storage),
        (Some(storage), _) => match ready(storage.read()) {
            Some(bytes) => Storage::from_bytes(device, &bytes?)?,
            None => {
                return Err(Error::device(
                    "realize",
                    format!("tensors on {} and {}", storage.device().name(), device.name()),
                    "tensors on one device",
                    "read one of them (data()) and make it a tensor again",
                ));
            }
        },
        (None, Some(host)) => Storage::from_bytes(device, &host)?,
        (None, None) => {
            return Err(Error::argument(
                "realize",
                "a tensor that was disposed",
                "a live tensor",
                "do not dispose what later code reads",
            ));
        }
    };
    if let Some(leaf) = leaf {
        leaf.host.borrow_mut().take();
    }
    node.set_storage(Some(storage.clone()));
    Ok(storage)
}

fn same(a: &Rc<dyn Device>, b: &Rc<dyn Device>) -> bool {
    std::ptr::addr_eq(Rc::as_ptr(a), Rc::as_ptr(b))
}

/// Bytes before and behind the output of a kernel that is checked, and what everything is filled with: as float32 it
/// is not a number.
pub const ZONE: usize = 256;
const FILL: u32 = 0x7fc1_2345;

/// Computes `node`, a custom kernel's, between two zones that it must not touch; all bytes, as uint8.
///
/// # Errors
/// Those of [`realize`].
pub fn checked(node: &Node) -> Result<Node> {
    let computed: Vec<Node> = node.src.iter().filter(|n| n.as_leaf().is_none()).cloned().collect();
    realize(&computed)?;
    let device = device_for(&[], &node.src)?;
    let bytes = (node.bytes() + 2 * ZONE).next_multiple_of(4);
    let whole = Storage::from_bytes(&device, &FILL.to_le_bytes().repeat(bytes / 4))?;
    let middle = whole.part(ZONE, node.bytes());
    realize_into(std::slice::from_ref(node), &|_| Some(middle.clone()))?;
    Ok(Node::from_storage(whole, Shape::from_slice(&[bytes]), DType::U8, false))
}

/// Runs a plan over `inputs`; the storages of its results. `given` may name the storage of an output.
pub(super) fn execute(
    plan: &Plan,
    device: &Rc<dyn Device>,
    inputs: &[Storage],
    given: &dyn Fn(usize) -> Option<Storage>,
) -> Result<Vec<Storage>> {
    if runtime::cpu::is_calling() {
        return Err(Error::argument(
            "custom_kernel",
            "a cpu function that computes tensors",
            "one that reads its inputs and writes its output",
            "compute tensors before, and pass them as inputs",
        ));
    }
    let mut doubts = plan.verdicts.clone();
    inputs.iter().for_each(|storage| storage.add_doubts(&mut doubts));
    for verdict in &doubts {
        verdict.so_far()?;
    }
    let temps = temps(device, plan.temp_bytes)?;
    let mut outputs: Vec<Option<Storage>> = vec![None; plan.output_bytes.len()];
    for (i, place) in plan.results.iter().enumerate() {
        if *place == Place::Output(i) {
            outputs[i] = Some(match given(i) {
                Some(storage) => storage,
                None => Storage::new(device, plan.output_bytes[i])?,
            });
        }
    }
    let region = |place: &Place| match place {
        Place::Input(i) => inputs[*i].region(),
        Place::Output(i) => outputs[*i].as_ref().expect("every output has storage").region(),
        Place::Temp { offset, bytes } => {
            let base = temps.as_ref().expect("temporaries have memory").region();
            Region { offset: base.offset + offset, bytes: *bytes, ..base }
        }
    };
    let launches: Vec<Launch> = plan
        .steps
        .iter()
        .map(|step| Launch { program: &step.program, args: step.args.iter().map(region).collect() })
        .collect();
    if crate::debug::times() {
        crate::debug::timed(plan, device, &launches)?;
    } else {
        device.submit(plan.id, &launches)?;
    }
    doubts.retain(|verdict| verdict.is_doubtful());
    for storage in outputs.iter().flatten() {
        storage.doubt(&doubts);
    }
    runtime::note_used(device.name());
    ENGINE.with_borrow_mut(|e| {
        e.stats.kernels += plan.work.kernels;
        e.stats.flops += plan.work.flops;
        e.stats.bytes += plan.work.bytes;
    });
    let storage = |place: &Place| match place {
        Place::Input(i) => inputs[*i].clone(),
        Place::Output(i) => outputs[*i].clone().expect("every output has storage"),
        Place::Temp { .. } => unreachable!("results are never temporaries"),
    };
    Ok(plan.results.iter().map(storage).collect())
}

/// The memory all plans of a device share for temporaries: work is queued in order, so they never meet.
fn temps(device: &Rc<dyn Device>, bytes: usize) -> Result<Option<Storage>> {
    if bytes == 0 {
        return Ok(None);
    }
    if bytes > device.limits().max_bytes {
        return Err(plan::too_big(bytes, &**device));
    }
    let known = ENGINE.with_borrow_mut(|e| {
        e.meet(device);
        e.temps.get(device.name()).cloned()
    });
    if let Some(storage) = known.filter(|s| s.bytes() >= bytes) {
        return Ok(Some(storage));
    }
    ENGINE.with_borrow_mut(|e| e.temps.remove(device.name()));
    let storage = Storage::new(device, bytes)?;
    ENGINE.with_borrow_mut(|e| e.temps.insert(device.name(), storage.clone()));
    Ok(Some(storage))
}
