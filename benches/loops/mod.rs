//! Loops that receive messages until none is left, as in servers: without a timer, and with one.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;

use crate::support::{each, second_poll};

/// The messages, numbered from 0. All are sent before the loop begins.
pub(crate) type Messages = UnboundedReceiver<usize>;

/// A loop that returns nanoseconds per message. The box is allocated once for all messages.
pub(crate) type Running = Pin<Box<dyn Future<Output = f64> + Send>>;
pub(crate) type Loop = fn(Messages) -> Running;

/// Number of messages that are not timed. They warm up the caches and create the runtime's driver.
pub(crate) const WARM_UP: usize = 1000;

pub(crate) const LIMIT: Duration = Duration::from_secs(5);
pub(crate) const IDLE: Duration = Duration::from_secs(30);

pub(crate) struct Stopwatch {
    began: Instant,
    last: usize,
}

impl Stopwatch {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            last: 0,
        }
    }

    pub(crate) fn message(&mut self, number: usize) {
        if number == WARM_UP {
            self.began = Instant::now();
        }
        self.last = number;
    }

    pub(crate) fn stop(self) -> f64 {
        each(self.began.elapsed(), self.last + 1 - WARM_UP)
    }
}

/// A `select!` whose other branch waits forever: shows the cost of `select!` itself.
pub(crate) fn bare_select(mut messages: Messages) -> Running {
    Box::pin(async move {
        let mut stopwatch = Stopwatch::new();
        loop {
            tokio::select! {
                () = std::future::pending() => break,
                message = messages.recv() => match message {
                    Some(number) => stopwatch.message(number),
                    None => break,
                },
            }
        }
        stopwatch.stop()
    })
}

pub(crate) fn bare_receive(mut messages: Messages) -> Running {
    Box::pin(async move {
        let mut stopwatch = Stopwatch::new();
        while let Some(number) = messages.recv().await {
            stopwatch.message(number);
        }
        stopwatch.stop()
    })
}

pub(crate) fn bare_request(mut messages: Messages) -> Running {
    Box::pin(async move {
        let mut stopwatch = Stopwatch::new();
        while let Some(number) = messages.recv().await {
            tokio::spawn(second_poll()).await.unwrap();
            stopwatch.message(number);
        }
        stopwatch.stop()
    })
}

/// A `select!` of an interval and the messages.
macro_rules! beside_ticks {
    ($time:path, $period:expr) => {
        |mut messages| {
            use $time as time;
            Box::pin(async move {
                let mut interval = time::interval($period);
                let mut ticks = 0_u32;
                let mut stopwatch = Stopwatch::new();
                loop {
                    tokio::select! {
                        _ = interval.tick() => ticks += 1,
                        message = messages.recv() => match message {
                            Some(number) => stopwatch.message(number),
                            None => break,
                        },
                    }
                }
                std::hint::black_box(ticks);
                stopwatch.stop()
            })
        }
    };
}

/// A timeout around each receive.
macro_rules! within_limit {
    ($time:path) => {
        |mut messages| {
            use $time as time;
            Box::pin(async move {
                let mut stopwatch = Stopwatch::new();
                while let Some(number) = time::timeout(LIMIT, messages.recv()).await.unwrap() {
                    stopwatch.message(number);
                }
                stopwatch.stop()
            })
        }
    };
}

/// Ends when it has been idle for a while: each message resets a sleep, which reads the clock.
macro_rules! unless_idle {
    ($time:path) => {
        |mut messages| {
            use $time as time;
            Box::pin(async move {
                let mut idle = std::pin::pin!(time::sleep(IDLE));
                let mut stopwatch = Stopwatch::new();
                loop {
                    tokio::select! {
                        () = &mut idle => break,
                        message = messages.recv() => match message {
                            Some(number) => {
                                idle.as_mut().reset(time::Instant::now() + IDLE);
                                stopwatch.message(number);
                            }
                            None => break,
                        },
                    }
                }
                stopwatch.stop()
            })
        }
    };
}

/// A task for each request, with a timeout around its wait.
macro_rules! request_within_limit {
    ($time:path) => {
        |mut messages| {
            use $time as time;
            Box::pin(async move {
                let mut stopwatch = Stopwatch::new();
                while let Some(number) = messages.recv().await {
                    let request = tokio::spawn(time::timeout(LIMIT, second_poll()));
                    request.await.unwrap().unwrap();
                    stopwatch.message(number);
                }
                stopwatch.stop()
            })
        }
    };
}

pub(crate) use {beside_ticks, request_within_limit, unless_idle, within_limit};
