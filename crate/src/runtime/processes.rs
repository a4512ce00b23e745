//! Processes that train one model together, each with a device and data of its own. A device that can adds up
//! numbers by itself (NCCL); for the others, and to meet, there is TCP: everybody is connected with the first process.

use super::{Device, Region};
use crate::{
    error::{Error, Result},
    tensor::block_on,
};
use std::{
    cell::RefCell,
    env,
    io::{self, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream, ToSocketAddrs},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long processes wait for each other to start.
const START: Duration = Duration::from_secs(60);
/// How long one waits for what another has to say.
const ANSWER: Duration = Duration::from_secs(600);
const HELLO: &[u8; 8] = b"playgrad";
/// Marks a message that is the text of an error.
const ERROR: u64 = 1 << 63;

/// The variables by which a launcher tells a process which one it is: rank, number of processes, rank on its machine.
const LAUNCHERS: [[&str; 3]; 3] = [
    ["RANK", "WORLD_SIZE", "LOCAL_RANK"],
    ["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"],
    ["PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"],
];

/// One process's place among those that train together.
pub struct ProcessGroup {
    rank: usize,
    size: usize,
    /// In the first process all others in order, in the others the first one.
    links: RefCell<Vec<TcpStream>>,
}

/// This process's number on its machine, and so its GPU's; 0 without a launcher.
pub fn local_rank() -> usize {
    let told = LAUNCHERS.iter().find_map(|[_, _, local]| env::var(local).ok()?.parse().ok());
    told.unwrap_or(0)
}

impl ProcessGroup {
    /// The group that a launcher started this process in: `torchrun`, Open MPI's or MPICH's `mpirun`; `None` without
    /// one. The first process listens at `MASTER_ADDR` (127.0.0.1), on the port after `MASTER_PORT` (29500), which is
    /// the launcher's own, or on `PLAYGRAD_PORT`.
    ///
    /// # Errors
    /// `Argument` when the launcher's numbers are wrong, `Device` when the processes do not meet.
    pub fn from_env() -> Result<Option<ProcessGroup>> {
        let Some([rank, size, _]) = LAUNCHERS
            .iter()
            .find(|[rank, size, _]| env::var_os(rank).is_some() && env::var_os(size).is_some())
        else {
            return Ok(None);
        };
        let host = env::var("MASTER_ADDR").unwrap_or_else(|_| "127.0.0.1".into());
        let port = match env::var_os("PLAYGRAD_PORT") {
            Some(_) => number::<u32>("PLAYGRAD_PORT")?,
            None if env::var_os("MASTER_PORT").is_some() => 1 + number::<u32>("MASTER_PORT")?,
            None => 29_501,
        };
        Self::join(number(rank)?, number(size)?, &format!("{host}:{port}")).map(Some)
    }

    /// Process `rank` of `size` that meet at an address of the first one's machine.
    ///
    /// # Errors
    /// As [`ProcessGroup::from_env`].
    pub fn join(rank: usize, size: usize, address: &str) -> Result<ProcessGroup> {
        if rank >= size {
            let got = format!("rank {rank} of {size} processes");
            return Err(Error::argument("group", got, format!("a rank below {size}"), "check the launcher"));
        }
        let meet = || match (rank, size) {
            (0, 1) => Ok(Vec::new()),
            (0, _) => accept(size, address),
            _ => Ok(vec![connect(rank, size, address)?]),
        };
        let links = meet().map_err(|e| {
            let got = format!("\"{e}\" at {address}, in process {rank} of {size}");
            let fix = "start every process, with the same MASTER_ADDR and MASTER_PORT; PLAYGRAD_PORT names another port";
            Error::device("group", got, "all processes within a minute", fix)
        })?;
        Ok(ProcessGroup { rank, size, links: RefCell::new(links) })
    }

    pub fn rank(&self) -> usize {
        self.rank
    }

    pub fn size(&self) -> usize {
        self.size
    }

    /// The sum of every process's values, added in the order of the processes: the same bits in all of them.
    ///
    /// # Errors
    /// `Device` when a process is gone or gives another number of values.
    pub fn sum(&self, values: &mut [f32]) -> Result<()> {
        let mut links = self.links.borrow_mut();
        if self.rank > 0 {
            let told = send(&mut links[0], bytemuck::cast_slice(values), 0)
                .and_then(|()| receive(&mut links[0], size_of_val(values)));
            bytemuck::cast_slice_mut(values).copy_from_slice(&told.map_err(|e| self.failed(&e))?);
            return Ok(());
        }
        for i in 0..links.len() {
            let theirs = match receive(&mut links[i], size_of_val(values)) {
                Ok(bytes) => bytes,
                Err(e) => {
                    let text = format!("process {}: {e}", i + 1);
                    // Whoever is still there hears of it; who is not cannot.
                    links.iter_mut().for_each(|link| drop(send(link, text.as_bytes(), ERROR)));
                    return Err(self.failed(&io::Error::other(text)));
                }
            };
            let theirs = theirs.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            values.iter_mut().zip(theirs).for_each(|(v, t)| *v += t);
        }
        let mut all = links.iter_mut();
        all.try_for_each(|link| send(link, bytemuck::cast_slice(values), 0)).map_err(|e| self.failed(&e))
    }

    /// Gives every process the first one's bytes.
    ///
    /// # Errors
    /// `Device` when a process is gone or has another number of bytes.
    pub fn share(&self, bytes: &mut [u8]) -> Result<()> {
        let mut links = self.links.borrow_mut();
        match self.rank {
            0 => links.iter_mut().try_for_each(|link| send(link, bytes, 0)),
            _ => receive(&mut links[0], bytes.len()).map(|first| bytes.copy_from_slice(&first)),
        }
        .map_err(|e| self.failed(&e))
    }

    fn failed(&self, e: &io::Error) -> Error {
        let got = format!("\"{e}\" in process {} of {}", self.rank, self.size);
        Error::device(
            "group",
            got,
            "every process at the same step of the same model",
            "look at what the other processes printed; start all of them again",
        )
    }
}

/// Reads everything, adds it up, writes it.
pub(super) fn sum_on_host<D: Device + ?Sized>(
    device: &D,
    processes: &ProcessGroup,
    regions: &[(Region, Region)],
) -> Result<()> {
    let mut values: Vec<f32> = Vec::new();
    for (from, _) in regions {
        values.extend_from_slice(&bytemuck::pod_collect_to_vec::<u8, f32>(&block_on(device.read(*from))?));
    }
    processes.sum(&mut values)?;
    let mut rest = bytemuck::cast_slice(&values);
    for (_, to) in regions {
        let (own, others) = rest.split_at(to.bytes);
        device.write(*to, own)?;
        rest = others;
    }
    Ok(())
}

fn number<T: std::str::FromStr>(name: &str) -> Result<T> {
    let text = env::var(name).unwrap_or_default();
    text.parse().map_err(|_| {
        Error::argument("group", format!("{name}={text}"), "a whole number", "check the launcher")
    })
}

fn accept(size: usize, address: &str) -> io::Result<Vec<TcpStream>> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let start = Instant::now();
    let mut links: Vec<Option<TcpStream>> = (1..size).map(|_| None).collect();
    while links.iter().any(Option::is_none) {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                let mut stream = ready(stream)?;
                let mut hello = [0; 24];
                stream.read_exact(&mut hello)?;
                let word = |i: usize| u64::from_le_bytes(hello[i..i + 8].try_into().expect("eight bytes"));
                let (rank, told) = (word(8) as usize, word(16) as usize);
                let place = rank.checked_sub(1).and_then(|i| links.get_mut(i));
                match place {
                    Some(place) if hello[..8] == *HELLO && told == size && place.is_none() => {
                        *place = Some(stream);
                    }
                    _ => {
                        let text = format!("a process that says it is {rank} of {told}");
                        return Err(io::Error::new(ErrorKind::InvalidData, text));
                    }
                }
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock && start.elapsed() < START => {
                sleep(Duration::from_millis(20));
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                let here = 1 + links.iter().flatten().count();
                return Err(io::Error::new(ErrorKind::TimedOut, format!("{here} of {size} processes came")));
            }
            Err(e) => return Err(e),
        }
    }
    Ok(links.into_iter().flatten().collect())
}

fn connect(rank: usize, size: usize, address: &str) -> io::Result<TcpStream> {
    let start = Instant::now();
    let stream = loop {
        let reached = address
            .to_socket_addrs()
            .and_then(|mut all| all.next().ok_or_else(|| io::Error::other("no such address")))
            .and_then(|to| TcpStream::connect_timeout(&to, START));
        match reached {
            Ok(stream) => break stream,
            Err(e) if start.elapsed() >= START => return Err(e),
            Err(_) => sleep(Duration::from_millis(50)),
        }
    };
    let mut stream = ready(stream)?;
    let mut hello = HELLO.to_vec();
    [rank, size].iter().for_each(|n| hello.extend((*n as u64).to_le_bytes()));
    stream.write_all(&hello)?;
    Ok(stream)
}

fn ready(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    Ok(stream)
}

fn send(stream: &mut TcpStream, bytes: &[u8], mark: u64) -> io::Result<()> {
    stream.write_all(&(bytes.len() as u64 | mark).to_le_bytes())?;
    stream.write_all(bytes)
}

/// A message of so many bytes; another one's text, or its length, is the error.
fn receive(stream: &mut TcpStream, expected: usize) -> io::Result<Vec<u8>> {
    const MOST_TEXT: u64 = 1 << 16;
    let mut head = [0; 8];
    stream.read_exact(&mut head)?;
    let head = u64::from_le_bytes(head);
    let bytes = head & !ERROR;
    if head & ERROR != 0 {
        let mut text = String::new();
        stream.take(bytes.min(MOST_TEXT)).read_to_string(&mut text)?;
        return Err(io::Error::other(text));
    }
    if bytes != expected as u64 {
        return Err(io::Error::other(format!("{bytes} bytes where {expected} are expected")));
    }
    let mut held = vec![0; expected];
    stream.read_exact(&mut held)?;
    Ok(held)
}
