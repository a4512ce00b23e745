use super::{DType, Mark, Op, Storage, fold_constants};
use rustc_hash::{FxHashMap, FxHasher};
use smallvec::SmallVec;
use std::{
    cell::{Cell, RefCell},
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
    rc::{Rc, Weak},
};

pub type Shape = SmallVec<[usize; 6]>;

/// A handle to one immutable graph node; equal structure means equal node.
#[derive(Clone)]
pub struct Node(Rc<NodeData>);

pub struct NodeData {
    pub id: u64,
    pub op: Op,
    pub src: SmallVec<[Node; 3]>,
    pub shape: Shape,
    pub dtype: DType,
    /// True when a leaf that requires gradients lies below: its history is kept after it is computed.
    pub needs_grad: bool,
    hash: u64,
    storage: RefCell<Option<Storage>>,
    /// The last walk that came by, and what it numbered the node.
    walked: Cell<(u64, u32)>,
}

/// What a `Buffer` node holds besides its storage.
#[derive(Default)]
pub struct Leaf {
    pub requires_grad: Cell<bool>,
    /// Bytes that wait for their first use on a device.
    pub host: RefCell<Option<Rc<[u8]>>>,
    /// A live input: asked for its bytes before every run that reads it (learning rate, step, random counter).
    pub refresh: Option<Box<dyn Fn() -> Vec<u8>>>,
    /// Set when the storage was given back although graphs still name this leaf; says why, and the fix.
    pub released: Cell<Option<&'static str>>,
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leaf(requires_grad: {})", self.requires_grad.get())
    }
}

thread_local! {
    static NEXT_ID: Cell<u64> = const { Cell::new(1) };
    static WALKS: Cell<u64> = const { Cell::new(0) };
    /// Room for `walk`'s way back, kept from walk to walk.
    static STACK: Cell<Vec<(Node, bool)>> = const { Cell::new(Vec::new()) };
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static INTERNED: RefCell<FxHashMap<u64, SmallVec<[Weak<NodeData>; 1]>>> = RefCell::default();
}

/// Number of graph nodes alive on this thread.
pub fn live_nodes() -> usize {
    LIVE.get()
}

impl Deref for Node {
    type Target = NodeData;
    fn deref(&self) -> &NodeData {
        &self.0
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Node) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}
impl Eq for Node {}
impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{} {:?} {:?} {}", self.id, self.op, self.shape.as_slice(), self.dtype)
    }
}

impl Node {
    /// The node `op(src)`, an existing one where an equal one is alive, simplified by local rules.
    /// The caller has checked shapes and dtypes; `verify` checks them again in tests and debug builds.
    pub fn new(op: Op, src: &[Node], shape: Shape, dtype: DType) -> Node {
        fold_constants(&op, src, &shape, dtype).unwrap_or_else(|| Self::intern(op, src, shape, dtype))
    }

    pub fn constant(value: f64, shape: Shape, dtype: DType) -> Node {
        Self::intern(Op::Const(value.to_bits()), &[], shape, dtype)
    }

    pub fn iota(n: usize) -> Node {
        Self::intern(Op::Iota, &[], SmallVec::from_slice(&[n]), DType::I32)
    }

    pub fn leaf(leaf: Leaf, shape: Shape, dtype: DType) -> Node {
        let needs_grad = leaf.requires_grad.get();
        Self::alloc(Op::Buffer(Rc::new(leaf)), SmallVec::new(), shape, dtype, needs_grad, 0)
    }

    /// A leaf over storage that already holds its value.
    pub fn from_storage(storage: Storage, shape: Shape, dtype: DType, requires_grad: bool) -> Node {
        let leaf = Leaf { requires_grad: Cell::new(requires_grad), ..Leaf::default() };
        let node = Self::leaf(leaf, shape, dtype);
        node.set_storage(Some(storage));
        node
    }

    /// The same operation on other sources, as a node of its own that no equal one is taken for.
    pub(crate) fn unshared(&self, src: SmallVec<[Node; 3]>) -> Node {
        Self::alloc(self.op.clone(), src, self.shape.clone(), self.dtype, self.needs_grad, 0)
    }

    fn intern(op: Op, src: &[Node], shape: Shape, dtype: DType) -> Node {
        let mut hasher = FxHasher::default();
        hash_op(&op, &mut hasher);
        src.iter().for_each(|s| s.id.hash(&mut hasher));
        shape.hash(&mut hasher);
        dtype.hash(&mut hasher);
        let hash = hasher.finish();
        INTERNED.with_borrow_mut(|table| {
            let bucket = table.entry(hash).or_default();
            let same = |n: &Node| {
                n.dtype == dtype && n.shape == shape && n.src.as_slice() == src && same_op(&n.op, &op)
            };
            if let Some(found) = bucket.iter().filter_map(Weak::upgrade).map(Node).find(same) {
                return found;
            }
            // A bitcast has no gradient: it is how a tensor is cut from its history.
            let passes = dtype.is_float() && !matches!(op, Op::Bitcast);
            let needs_grad = passes && src.iter().any(|s| s.needs_grad);
            let node = Self::alloc(op, src.into(), shape, dtype, needs_grad, hash);
            bucket.push(Rc::downgrade(&node.0));
            node
        })
    }

    fn alloc(
        op: Op,
        src: SmallVec<[Node; 3]>,
        shape: Shape,
        dtype: DType,
        needs_grad: bool,
        hash: u64,
    ) -> Node {
        let id = NEXT_ID.replace(NEXT_ID.get() + 1);
        LIVE.set(LIVE.get() + 1);
        let (storage, walked) = (RefCell::new(None), Cell::new((0, 0)));
        Node(Rc::new(NodeData { id, op, src, shape, dtype, needs_grad, hash, storage, walked }))
    }

    /// Saturates: the products inside a contraction may be more than a 32-bit machine can count.
    pub fn numel(&self) -> usize {
        if self.shape.contains(&0) {
            return 0;
        }
        self.shape.iter().fold(1, |n: usize, s| n.saturating_mul(*s))
    }

    pub fn bytes(&self) -> usize {
        self.numel().saturating_mul(self.dtype.size())
    }

    pub fn storage(&self) -> Option<Storage> {
        self.storage.borrow().clone()
    }

    pub fn is_realized(&self) -> bool {
        self.storage.borrow().is_some()
    }

    pub fn set_storage(&self, storage: Option<Storage>) {
        *self.storage.borrow_mut() = storage;
    }

    /// Its place in the order that the last walk by it gave.
    pub(crate) fn number(&self) -> u32 {
        self.walked.get().1
    }

    /// What this is a view of; itself where it is none.
    pub(crate) fn viewed(&self) -> &Node {
        let mut at = self;
        while at.op.is_movement() && !at.is_realized() {
            at = &at.src[0];
        }
        at
    }

    pub fn as_leaf(&self) -> Option<&Leaf> {
        match &self.op {
            Op::Buffer(leaf) => Some(leaf),
            _ => None,
        }
    }

    pub fn as_const(&self) -> Option<f64> {
        match self.op {
            Op::Const(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }
}

impl Drop for NodeData {
    fn drop(&mut self) {
        LIVE.set(LIVE.get().saturating_sub(1));
        if self.hash != 0 {
            // The table is gone when a thread's last nodes drop in its destructors.
            let _ = INTERNED.try_with(|table| {
                let mut table = table.borrow_mut();
                if let Some(bucket) = table.get_mut(&self.hash) {
                    bucket.retain(|w| w.strong_count() > 0);
                    if bucket.is_empty() {
                        table.remove(&self.hash);
                    }
                }
            });
        }
        // A chain of a million nodes must not drop recursively.
        let mut queue: SmallVec<[Node; 8]> = self.src.drain(..).collect();
        while let Some(node) = queue.pop() {
            if let Some(mut data) = Rc::into_inner(node.0) {
                queue.extend(data.src.drain(..));
            }
        }
    }
}

/// Every node below `roots`, sources before users; computed nodes are included, what lies below them is not.
pub fn topo(roots: &[Node]) -> Vec<Node> {
    walk(roots, |n| !n.is_realized())
}

/// Every node below `roots`, sources before users, for which `enter` allows a look at the sources.
pub(crate) fn walk(roots: &[Node], enter: impl Fn(&Node) -> bool) -> Vec<Node> {
    let walk = WALKS.get() + 1;
    WALKS.set(walk);
    let fresh = |n: &Node| n.walked.get().0 != walk;
    let mut order: Vec<Node> = Vec::with_capacity(256);
    let mut stack = STACK.take();
    stack.extend(roots.iter().rev().map(|n| (n.clone(), false)));
    while let Some((node, done)) = stack.pop() {
        if done {
            node.walked.set((walk, order.len() as u32));
            order.push(node);
        } else if fresh(&node) {
            node.walked.set((walk, u32::MAX));
            stack.push((node.clone(), true));
            if enter(&node) {
                stack.extend(node.src.iter().rev().filter(|s| fresh(s)).map(|s| (s.clone(), false)));
            }
        }
    }
    STACK.set(stack);
    order
}

pub(crate) fn hash_op(op: &Op, h: &mut FxHasher) {
    std::mem::discriminant(op).hash(h);
    match op {
        Op::Buffer(leaf) => (Rc::as_ptr(leaf) as usize).hash(h),
        Op::Const(bits) => bits.hash(h),
        Op::Unary(u) => u.hash(h),
        Op::Binary(b) => b.hash(h),
        Op::Reduce(r, axes) => (r, axes).hash(h),
        Op::Scan(s, axis) => (s, axis).hash(h),
        Op::Permute(axes) | Op::Flip(axes) => axes.hash(h),
        Op::Pad(pairs) | Op::Shrink(pairs) => pairs.hash(h),
        Op::Window(w) | Op::Unwindow(w) => w.hash(h),
        Op::Custom(custom) => custom.hash(h),
        Op::Mark(mark) => std::mem::discriminant(mark).hash(h),
        Op::Iota
        | Op::Where
        | Op::Cast
        | Op::Bitcast
        | Op::Reshape
        | Op::Expand
        | Op::Gather
        | Op::Contiguous
        | Op::After => {}
    }
}

fn same_op(a: &Op, b: &Op) -> bool {
    match (a, b) {
        (Op::Buffer(x), Op::Buffer(y)) => Rc::ptr_eq(x, y),
        (Op::Const(x), Op::Const(y)) => x == y,
        (Op::Unary(x), Op::Unary(y)) => x == y,
        (Op::Binary(x), Op::Binary(y)) => x == y,
        (Op::Reduce(r, x), Op::Reduce(s, y)) => r == s && x == y,
        (Op::Scan(r, x), Op::Scan(s, y)) => r == s && x == y,
        (Op::Permute(x), Op::Permute(y)) | (Op::Flip(x), Op::Flip(y)) => x == y,
        (Op::Pad(x), Op::Pad(y)) | (Op::Shrink(x), Op::Shrink(y)) => x == y,
        (Op::Window(x), Op::Window(y)) | (Op::Unwindow(x), Op::Unwindow(y)) => x == y,
        (Op::Custom(x), Op::Custom(y)) => x == y,
        (Op::Mark(Mark::Custom(x)), Op::Mark(Mark::Custom(y))) => Rc::ptr_eq(x, y),
        (Op::Mark(x), Op::Mark(y)) => std::mem::discriminant(x) == std::mem::discriminant(y),
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

/// Splits both shapes of a reshape into the shortest runs of axes with equal products.
pub(crate) fn axis_groups(
    from: &[usize],
    to: &[usize],
) -> Vec<(std::ops::Range<usize>, std::ops::Range<usize>)> {
    let (mut i, mut j) = (0, 0);
    let mut groups = Vec::new();
    while i < from.len() || j < to.len() {
        let (i0, j0) = (i, j);
        let (mut a, mut b) = (1, 1);
        if i < from.len() {
            a = from[i];
            i += 1;
        }
        if j < to.len() {
            b = to[j];
            j += 1;
        }
        while a != b {
            if a < b && i < from.len() {
                a *= from[i];
                i += 1;
            } else if j < to.len() {
                b *= to[j];
                j += 1;
            } else {
                // Zero-sized shapes have no unique grouping: everything left belongs together.
                return groups.into_iter().chain([(i0..from.len(), j0..to.len())]).collect();
            }
        }
        groups.push((i0..i, j0..j));
    }
    groups
}
