//! Uses a tower layer with a timeout on this crate's timers, and prints how many requests it cuts off, and
//! how late.
//!
//! ```text
//! cargo run --release --example tower_timeout -- [REQUESTS] [LIMIT]
//! cargo run --release --example tower_timeout -- 200 2ms
//! ```

mod support;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use support::{Arguments, Lateness};
use tokio::time::Instant;
use tokio_osinterval::error::Elapsed;
use tokio_osinterval::{FutureExt, sleep};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};

fn main() {
    let mut arguments = Arguments::new(
        "A tower layer with a timeout: how many requests it cuts off, and how late.",
        "tower_timeout [REQUESTS] [LIMIT]",
    );
    let requests = arguments.count("REQUESTS", 200);
    let limit = arguments.duration("LIMIT", Duration::from_millis(2));
    arguments.finish();
    if let Err(error) = run(requests, limit) {
        support::fail(&error.to_string());
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(requests: u64, limit: Duration) -> Result<(), BoxError> {
    // Each second request takes twice the limit.
    let service = service_fn(move |request: u64| async move {
        if request % 2 == 1 {
            sleep(limit.saturating_mul(2)).await;
        }
        Ok::<_, BoxError>(request)
    });
    let mut service = ServiceBuilder::new()
        .layer(TimeoutLayer { limit })
        .service(service);

    let mut answered = 0_u64;
    let mut lateness = Lateness::new();
    for request in 0..requests {
        let deadline = Instant::now() + limit;
        match service.ready().await?.call(request).await {
            Ok(_) => answered += 1,
            Err(error) if error.is::<Elapsed>() => lateness.record(deadline.elapsed()),
            Err(error) => return Err(error),
        }
    }
    let late = requests - answered;
    println!("{requests} requests with a limit of {limit:?}: {answered} answered, {late} cut off");
    if late > 0 {
        println!("cut off late: {lateness}");
    }
    Ok(())
}

/// tower's own `TimeoutLayer` does the same on tokio's timers.
#[derive(Clone, Copy, Debug)]
struct TimeoutLayer {
    limit: Duration,
}

impl<S> Layer<S> for TimeoutLayer {
    type Service = Timeout<S>;

    fn layer(&self, inner: S) -> Timeout<S> {
        Timeout {
            inner,
            limit: self.limit,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Timeout<S> {
    inner: S,
    limit: Duration,
}

impl<S, Request> Service<Request> for Timeout<S>
where
    S: Service<Request, Error = BoxError>,
    S::Future: 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let response = self.inner.call(request).timeout(self.limit);
        Box::pin(async { response.await? })
    }
}
