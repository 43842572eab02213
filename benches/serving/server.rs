//! The server. Its timer is the contender.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::Response;
use hyper::rt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio_osinterval::OsTimer;

use super::BODY;

#[derive(Clone, Copy)]
pub(crate) enum Timer {
    None,
    /// Accepts hyper's sleeps and never fires.
    Never,
    Tokio,
    Ours,
}

impl Timer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "no timer",
            Self::Never => "one that never fires",
            Self::Tokio => "TokioTimer",
            Self::Ours => "OsTimer",
        }
    }

    fn builder(self, limit: Duration) -> http1::Builder {
        let mut builder = http1::Builder::new();
        match self {
            Self::None => return builder,
            Self::Never => builder.timer(Never),
            Self::Tokio => builder.timer(TokioTimer::new()),
            Self::Ours => builder.timer(OsTimer::new()),
        };
        builder.header_read_timeout(limit);
        builder
    }
}

/// A timer, and its sleep, that never fires.
struct Never;

impl rt::Timer for Never {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Self)
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Self)
    }
}

impl rt::Sleep for Never {}

impl Future for Never {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// The results of a server's connections.
#[derive(Default)]
pub(crate) struct Server {
    answered: AtomicU64,
    open: AtomicU64,
    /// How long each connection was open that the server closed because its header was late.
    cut_off: Mutex<Vec<Duration>>,
}

impl Server {
    /// Starts in the current runtime, and runs until the runtime is dropped.
    pub(crate) async fn start(timer: Timer, limit: Duration) -> (Arc<Self>, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Arc::new(Self::default());
        tokio::spawn(Arc::clone(&server).serve(listener, timer.builder(limit)));
        (server, address)
    }

    async fn serve(self: Arc<Self>, listener: TcpListener, builder: http1::Builder) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            self.open.fetch_add(1, Ordering::Relaxed);
            let (server, builder) = (Arc::clone(&self), builder.clone());
            tokio::spawn(async move {
                let answers = service_fn(|_| {
                    server.answered.fetch_add(1, Ordering::Relaxed);
                    ready(Ok::<_, Infallible>(Response::new(BODY.to_owned())))
                });
                // hyper starts its clock at the first poll, slightly later.
                let began = Instant::now();
                let closed = builder
                    .serve_connection(TokioIo::new(stream), answers)
                    .await;
                if closed.is_err_and(|error| error.is_timeout()) {
                    server.cut_off.lock().unwrap().push(began.elapsed());
                }
                server.open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }

    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    pub(crate) fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn take_cut_off(&self) -> Vec<Duration> {
        std::mem::take(&mut self.cut_off.lock().unwrap())
    }
}

/// Polls a condition now and then.
///
/// # Panics
///
/// Panics if the condition takes too long.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    const PATIENCE: Duration = Duration::from_secs(30);
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: not in {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
