//! The runtime, and the measurement.

use std::io;
use std::net::UdpSocket;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use quinn::{AsyncTimer, AsyncUdpSocket, Runtime, TokioRuntime};
use tokio_osinterval::{Sleep, sleep_until};

use crate::support::{Arguments, Lateness};

pub(crate) fn main() {
    let mut arguments = Arguments::new(
        "A quinn Runtime on this crate's timers, beside quinn's own on tokio's.",
        "quinn_runtime [RESETS] [APART]",
    );
    let resets = arguments.count("RESETS", 300);
    let apart = arguments.duration("APART", Duration::from_micros(700));
    arguments.finish();
    run(resets, apart);
}

#[tokio::main(flavor = "current_thread")]
async fn run(resets: u64, apart: Duration) {
    println!("{resets} deadlines, each {apart:?} from now");
    let late = lateness_of(&OsRuntime, resets, apart).await;
    println!("OsRuntime:    late {late}");
    let late = lateness_of(&TokioRuntime, resets, apart).await;
    println!("TokioRuntime: late {late}");
}

/// Resets one timer again and again. Returns its lateness.
async fn lateness_of(runtime: &dyn Runtime, resets: u64, apart: Duration) -> Lateness {
    let mut lateness = Lateness::new();
    let mut timer = runtime.new_timer(runtime.now());
    for _ in 0..resets {
        let deadline = runtime.now() + apart;
        timer.as_mut().reset(deadline);
        std::future::poll_fn(|cx| timer.as_mut().poll(cx)).await;
        lateness.record(runtime.now() - deadline);
    }
    lateness
}

/// tokio's tasks and sockets with this crate's timers.
#[derive(Debug)]
struct OsRuntime;

impl Runtime for OsRuntime {
    fn new_timer(&self, deadline: Instant) -> Pin<Box<dyn AsyncTimer>> {
        Box::pin(OsTimer {
            sleep: Box::pin(sleep_until(deadline.into())),
        })
    }

    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        TokioRuntime.spawn(future);
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        TokioRuntime.wrap_udp_socket(socket)
    }

    fn now(&self) -> Instant {
        TokioRuntime.now()
    }
}

// A type of this crate, because the trait and the sleep belong to others. With `pin-project` it needs no box.
#[derive(Debug)]
struct OsTimer {
    sleep: Pin<Box<Sleep>>,
}

impl AsyncTimer for OsTimer {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.sleep.as_mut().reset(deadline.into());
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}
