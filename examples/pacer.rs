//! Sends 20,000 evenly spaced UDP packets per second to loopback, and prints how far the spacing is off, with
//! this crate's timer and with tokio's.
//!
//! ```text
//! cargo run --release --example pacer -- [PACKETS_PER_SECOND] [DURATION]
//! cargo run --release --example pacer -- 20000 1s
//! ```

mod support;

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use support::{Arguments, Lateness};
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, Precision};

fn main() {
    let mut arguments = Arguments::new(
        "Evenly spaced UDP packets: how far the spacing is off, here and with tokio's timer.",
        "pacer [PACKETS_PER_SECOND] [DURATION]",
    );
    let rate = arguments.count("PACKETS_PER_SECOND", 20_000);
    let duration = arguments.duration("DURATION", Duration::from_secs(1));
    arguments.finish();
    let period = Duration::from_nanos(1_000_000_000 / rate);
    if period.is_zero() {
        support::fail("PACKETS_PER_SECOND must be at most a billion");
    }
    if let Err(error) = run(period, duration) {
        support::fail(&error.to_string());
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(period: Duration, duration: Duration) -> io::Result<()> {
    let mut ours = OsInterval::builder(period)
        .precision(Precision::Spin)
        .build()?;
    let paced = send(period, duration, async || ours.tick().await).await?;
    println!("tokio-osinterval: {paced}");

    let mut tokios = tokio::time::interval(period);
    let paced = send(period, duration, async || tokios.tick().await).await?;
    println!("tokio's timer:    {paced}");
    Ok(())
}

/// Sends a packet at each tick.
async fn send(
    period: Duration,
    duration: Duration,
    mut tick: impl AsyncFnMut() -> Instant,
) -> io::Result<String> {
    // Nothing reads the packets, so the receiver drops them.
    let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(receiver.local_addr()?)?;
    socket.set_nonblocking(true)?;

    let mut spacing_error = Lateness::new();
    let mut sent = 0_u32;
    let began = Instant::now();
    let mut last = None;
    while began.elapsed() < duration {
        tick().await;
        match socket.send(&sent.to_be_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => sent += 1,
        }
        let now = Instant::now();
        if let Some(last) = last.replace(now) {
            spacing_error.record(now.duration_since(last).abs_diff(period));
        }
    }
    let rate = f64::from(sent) / began.elapsed().as_secs_f64();
    Ok(format!(
        "{rate:.0} packets/s, spacing off by {spacing_error}"
    ))
}
