//! Sends flows of UDP packets, each at its own rate, through one `DelayQueue`. A token bucket decides when a
//! packet may leave, and the packet waits in the queue until then. One timer serves all flows.
//!
//! ```text
//! cargo run --release --example token_bucket --features delay-queue -- [DURATION] [PACKETS_PER_SECOND]...
//! cargo run --release --example token_bucket --features delay-queue -- 1s 20000 5000 1000
//! ```
//!
//! For a single flow, an interval suffices: see `pacer`.

mod support;

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use support::{Arguments, Lateness};
use tokio::time::Instant;
use tokio_osinterval::{DelayQueue, Precision};

/// How many packets may leave at once after a pause of as many periods. A flow that is late by less keeps its
/// rate.
const BURST: u32 = 8;
/// How many packets arrive at once, as from a file.
const BATCH: u32 = 100;

fn main() {
    let mut arguments = Arguments::new(
        "Flows of UDP packets, each at its own rate: how late packets leave one queue.",
        "token_bucket [DURATION] [PACKETS_PER_SECOND]...",
    );
    let duration = arguments.duration("DURATION", Duration::from_secs(1));
    let rates = arguments.counts("PACKETS_PER_SECOND", &[20_000, 5_000, 1_000]);
    arguments.finish();
    if rates.iter().any(|rate| *rate > 1_000_000_000) {
        support::fail("PACKETS_PER_SECOND must be at most a billion");
    }
    if let Err(error) = run(duration, &rates) {
        support::fail(&error.to_string());
    }
}

struct Bucket {
    /// The time between two tokens.
    period: Duration,
    /// When the bucket is full again.
    full: Instant,
}

impl Bucket {
    /// Takes a token for a packet that arrives now. Returns when the packet may leave.
    fn take(&mut self, now: Instant) -> Instant {
        self.full = self.full.max(now) + self.period;
        now + (self.full - now).saturating_sub(self.period * BURST)
    }
}

struct Flow {
    bucket: Bucket,
    sent: u32,
    lateness: Lateness,
}

/// A packet in the queue.
struct Packet {
    flow: usize,
    /// How many packets of its batch follow it.
    following: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn run(duration: Duration, rates: &[u64]) -> io::Result<()> {
    // Nothing reads the packets, so the receiver drops them.
    let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(receiver.local_addr()?)?;
    socket.set_nonblocking(true)?;

    let mut queue = DelayQueue::new().with_precision(Precision::Spin);
    let began = Instant::now();
    let mut flows = Vec::new();
    for (flow, rate) in rates.iter().enumerate() {
        let mut bucket = Bucket {
            period: Duration::from_nanos(1_000_000_000 / rate),
            full: began,
        };
        offer(&mut queue, flow, &mut bucket);
        flows.push(Flow {
            bucket,
            sent: 0,
            lateness: Lateness::new(),
        });
    }
    while let Some(expired) = poll_fn(|cx| queue.poll_expired(cx)).await {
        let late = expired.deadline().elapsed();
        if began.elapsed() >= duration {
            break;
        }
        let Packet { flow, following } = expired.into_inner();
        let Flow {
            bucket,
            sent,
            lateness,
        } = &mut flows[flow];
        match socket.send(&sent.to_be_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => *sent += 1,
        }
        lateness.record(late);
        // The next batch arrives before the last one is sent: a flow without packets would lose tokens.
        if following == BATCH / 2 {
            offer(&mut queue, flow, bucket);
        }
    }
    let took = began.elapsed().as_secs_f64();
    for (flow, rate) in flows.iter().zip(rates) {
        let sent = f64::from(flow.sent) / took;
        println!("{rate} packets/s: {sent:.0} sent, late {}", flow.lateness);
    }
    Ok(())
}

/// Lets a batch of packets arrive.
fn offer(queue: &mut DelayQueue<Packet>, flow: usize, bucket: &mut Bucket) {
    let now = Instant::now();
    for following in (0..BATCH).rev() {
        queue.insert_at(Packet { flow, following }, bucket.take(now));
    }
}
