//! Threads that take parts of the CPU device's work and sleep between. The calling thread works too, so nothing
//! waits for them to start or to wake: one that comes late finds the work done.

use std::{
    cell::{Cell, UnsafeCell},
    hint::spin_loop,
    ops::Range,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

/// Looks at memory before a thread goes to sleep: about 50 µs in a page, and 200 µs natively.
const SPINS: usize = if cfg!(target_arch = "wasm32") { 50_000 } else { 8_000 };
/// Work that is not worth waking a thread for, and the least a part is made of, in nanoseconds.
const WORTHWHILE: usize = 50_000;
const PART: usize = 20_000;
/// Parts per thread, so that a slow thread does not hold up the others.
const PARTS: usize = 4;

static POOL: Pool = Pool {
    helpers: AtomicUsize::new(0),
    busy: AtomicBool::new(false),
    round: AtomicUsize::new(0),
    job: UnsafeCell::new(None),
    next: AtomicUsize::new(0),
    helping: AtomicUsize::new(0),
    failed: AtomicBool::new(false),
    asleep: AtomicUsize::new(0),
    waiting: AtomicBool::new(false),
    bed: Mutex::new(()),
    wake: Condvar::new(),
    done: Condvar::new(),
};

struct Pool {
    /// Threads that ever joined.
    helpers: AtomicUsize,
    /// Whether some thread runs a job; others then work alone.
    busy: AtomicBool,
    /// Odd while the job takes helpers.
    round: AtomicUsize,
    job: UnsafeCell<Option<Job>>,
    next: AtomicUsize,
    helping: AtomicUsize,
    failed: AtomicBool,
    asleep: AtomicUsize,
    waiting: AtomicBool,
    bed: Mutex<()>,
    wake: Condvar,
    done: Condvar,
}

// SAFETY: `job` is written only by the thread that holds `busy`, while `round` is even and nobody helps; it is
// read only by helpers that are counted in `helping` and saw `round` odd after that.
unsafe impl Sync for Pool {}

#[derive(Clone, Copy)]
struct Job {
    work: *const (dyn Fn(usize) + Sync),
    count: usize,
}

/// How many threads work, the caller's included.
pub fn threads() -> usize {
    if cfg!(all(target_arch = "wasm32", not(target_feature = "atomics"))) {
        return 1;
    }
    #[cfg(not(target_arch = "wasm32"))]
    native::start();
    1 + POOL.helpers.load(SeqCst)
}

/// Runs `work(0)`, …, `work(count - 1)`, each once, on any thread; returns when all are done.
///
/// # Panics
/// If `work` panicked on another thread.
pub fn parallel(count: usize, work: &(dyn Fn(usize) + Sync)) {
    if count < 2 || threads() == 1 || POOL.busy.swap(true, SeqCst) {
        return (0..count).for_each(work);
    }
    let (round, job) = Round::open(count, work);
    POOL.take(job);
    drop(round);
    assert!(!POOL.failed.load(SeqCst), "a thread of the pool failed");
}

/// How many threads are worth waking for so much work.
pub fn useful(nanoseconds: usize) -> usize {
    if nanoseconds < WORTHWHILE { 1 } else { threads().min(nanoseconds / PART) }
}

/// Runs `work` over `0..units` in ranges, on one thread where all of it takes but a few `nanoseconds`.
pub fn split(units: usize, nanoseconds: usize, work: &(dyn Fn(Range<usize>) + Sync)) {
    let threads = useful(nanoseconds);
    if units < 2 || threads == 1 {
        return work(0..units);
    }
    let parts = units.min(threads * PARTS).min(nanoseconds / PART);
    let start = |i: usize| (i as u128 * units as u128 / parts as u128) as usize;
    parallel(parts, &|i| work(start(i)..start(i + 1)));
}

/// Ends a job whose thread was stopped in its midst, so that the next one finds order.
pub fn settle() {
    if POOL.round.load(SeqCst) % 2 == 1 {
        drop(Round);
    }
}

thread_local! {
    /// The last round this thread saw, and whether it is counted in `helping`.
    static SEEN: Cell<usize> = const { Cell::new(0) };
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// The calling thread will `help`.
pub fn join() {
    POOL.helpers.fetch_add(1, SeqCst);
}

/// Takes part in every job, asleep between; returns when `stop` wants something done before the next.
pub fn help(stop: &dyn Fn() -> bool) {
    loop {
        let round = POOL.sleep(SEEN.get());
        if stop() {
            return;
        }
        SEEN.set(round);
        POOL.helping.fetch_add(1, SeqCst);
        INSIDE.set(true);
        if POOL.round.load(SeqCst) == round {
            // SAFETY: this thread is counted and the round is still open.
            let job = unsafe { *POOL.job.get() };
            POOL.take(job.expect("an open round has a job"));
        }
        leave();
    }
}

/// To be called where something stopped this thread. A job it was in counts as failed, and the thread may go on;
/// otherwise it is no longer of use.
pub fn failed() -> bool {
    let inside = INSIDE.get();
    if inside {
        POOL.failed.store(true, SeqCst);
        leave();
    } else {
        POOL.helpers.fetch_sub(1, SeqCst);
    }
    inside
}

fn leave() {
    INSIDE.set(false);
    if POOL.helping.fetch_sub(1, SeqCst) == 1 && POOL.waiting.load(SeqCst) {
        drop(POOL.lock());
        POOL.done.notify_all();
    }
}

/// A job that takes helpers until this is dropped, which waits for them.
struct Round;

impl Round {
    fn open(count: usize, work: &(dyn Fn(usize) + Sync)) -> (Round, Job) {
        // SAFETY: only the lifetime changes; the job is taken back before `work` ends, in `drop`.
        let work = unsafe {
            std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const (dyn Fn(usize) + Sync)>(work)
        };
        let job = Job { work, count };
        // SAFETY: this thread holds `busy`, the round is even and nobody helps.
        unsafe { *POOL.job.get() = Some(job) };
        POOL.failed.store(false, SeqCst);
        POOL.next.store(0, SeqCst);
        POOL.round.fetch_add(1, SeqCst);
        if POOL.asleep.load(SeqCst) > 0 {
            drop(POOL.lock());
            (1..count.min(threads())).for_each(|_| POOL.wake.notify_one());
        }
        (Round, job)
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        POOL.round.fetch_add(1, SeqCst);
        POOL.spin(|| POOL.helping.load(SeqCst) == 0);
        if POOL.helping.load(SeqCst) > 0 {
            POOL.waiting.store(true, SeqCst);
            let mut bed = POOL.lock();
            while POOL.helping.load(SeqCst) > 0 {
                bed = POOL.done.wait(bed).unwrap_or_else(PoisonError::into_inner);
            }
            POOL.waiting.store(false, SeqCst);
        }
        POOL.busy.store(false, SeqCst);
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.bed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spin(&self, done: impl Fn() -> bool) {
        for _ in 0..SPINS {
            if done() {
                return;
            }
            spin_loop();
        }
    }

    fn take(&self, job: Job) {
        loop {
            let i = self.next.fetch_add(1, SeqCst);
            if i >= job.count {
                return;
            }
            // SAFETY: whoever made the job waits for all who take part in it.
            unsafe { (*job.work)(i) }
        }
    }

    /// Waits for an open round other than `seen`.
    fn sleep(&self, seen: usize) -> usize {
        let news = || {
            let round = self.round.load(SeqCst);
            (round % 2 == 1 && round != seen).then_some(round)
        };
        self.spin(|| news().is_some());
        if let Some(round) = news() {
            return round;
        }
        let mut bed = self.lock();
        self.asleep.fetch_add(1, SeqCst);
        loop {
            if let Some(round) = news() {
                self.asleep.fetch_sub(1, SeqCst);
                return round;
            }
            bed = self.wake.wait(bed).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

// In a page the threads are workers, which come by themselves.
#[cfg(not(target_arch = "wasm32"))]
mod native {
    use super::{failed, help, join};
    use std::{panic::catch_unwind, sync::Once, thread};

    pub fn start() {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            let wanted = std::env::var("PLAYGRAD_THREADS").ok().and_then(|n| n.parse().ok());
            let all = || thread::available_parallelism().map_or(1, usize::from);
            (1..wanted.unwrap_or_else(all)).for_each(|_| {
                let named = thread::Builder::new().name("playgrad".into());
                // One that does not start is one fewer.
                if named.spawn(run).is_ok() {
                    join();
                }
            });
        });
    }

    fn run() {
        while catch_unwind(|| help(&|| false)).is_ok() || failed() {}
    }
}
