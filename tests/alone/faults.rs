//! Runs every kind of timer while `tests/faults.sh` makes the kernel refuse a system call.
//!
//! tokio's timer serves then. A timer that needs the kernel's returns an error, and works when it is created
//! again. Nothing hangs, is early, lost or left behind.
#![cfg(all(timerfd, production, feature = "tracing"))]

use std::collections::BTreeSet;
use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::alone;
use crate::support::{current_thread, ms, multi_thread, open_descriptors, poll_once};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_osinterval::error::ClockWasSet;
use tokio_osinterval::{Clock, OsInterval, PeriodicInterval, interval, sleep, timeout};

type Run = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

struct Kind {
    name: &'static str,
    /// Set if a refusal is an error, and tokio's timer does not serve.
    may_fail: bool,
    /// Creates timers and uses them.
    run: fn() -> Run,
}

const fn kind(name: &'static str, may_fail: bool, run: fn() -> Run) -> Kind {
    Kind {
        name,
        may_fail,
        run,
    }
}

const KINDS: [Kind; 8] = [
    kind("built", true, || Box::pin(built())),
    kind("interval", false, || Box::pin(interval_resets())),
    kind("sleep", false, || Box::pin(sleep_ends())),
    kind("timeout", false, || Box::pin(timeout_elapses())),
    kind("elsewhere", false, || Box::pin(polled_elsewhere())),
    kind("dropped", false, || Box::pin(dropped_while_it_waits())),
    kind("periodic", true, || Box::pin(periodic(Clock::Monotonic))),
    kind("wall", true, || Box::pin(periodic(Clock::Realtime))),
];

async fn tick(interval: &mut OsInterval) {
    let deadline = interval.tick().await;
    assert!(deadline <= Instant::now(), "early");
}

async fn built() -> io::Result<()> {
    let mut interval = OsInterval::builder(ms(2)).build()?;
    for _ in 0..4 {
        tick(&mut interval).await;
    }
    Ok(())
}

async fn interval_resets() -> io::Result<()> {
    let mut interval = interval(ms(3));
    tick(&mut interval).await;
    interval.reset_after(ms(1));
    tick(&mut interval).await;
    interval.reset();
    tick(&mut interval).await;
    Ok(())
}

async fn sleep_ends() -> io::Result<()> {
    let deadline = Instant::now() + ms(4);
    sleep(ms(4)).await;
    assert!(deadline <= Instant::now(), "early");
    Ok(())
}

async fn timeout_elapses() -> io::Result<()> {
    timeout(ms(5), std::future::pending::<()>())
        .await
        .unwrap_err();
    timeout(ms(60_000), sleep(ms(1))).await?;
    Ok(())
}

/// Polls on a thread outside any runtime.
async fn polled_elsewhere() -> io::Result<()> {
    let (done, is_done) = oneshot::channel();
    let (deadline, sleep) = (Instant::now() + ms(3), sleep(ms(3)));
    let thread = std::thread::spawn(move || {
        futures::executor::block_on(sleep);
        assert!(deadline <= Instant::now(), "early");
        done.send(()).unwrap();
    });
    is_done.await.map_err(io::Error::other)?;
    // While it wakes this task the thread holds the runtime, and with it descriptors that the test counts.
    thread.join().unwrap();
    Ok(())
}

async fn dropped_while_it_waits() -> io::Result<()> {
    assert!(poll_once(sleep(ms(60_000))).await.is_pending());
    Ok(())
}

async fn periodic(clock: Clock) -> io::Result<()> {
    let began = Instant::now();
    let mut periodic = PeriodicInterval::builder(ms(2)).clock(clock).build()?;
    let mut count = 0;
    while count < 4 {
        count += periodic.tick().await?;
    }
    // The wall clock may be slewed, so it may run faster.
    if clock == Clock::Monotonic {
        let due = ms(2) * u32::try_from(count).unwrap();
        assert!(began + due <= Instant::now(), "early");
    }
    Ok(())
}

/// Returns the error or the message of the panic that ended `run`.
async fn failure(run: Run) -> Option<String> {
    let error = match tokio::spawn(run).await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) if ClockWasSet::is(&error) => "ClockWasSet".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(join) => {
            let panic = join.into_panic();
            let text = panic.downcast_ref::<&str>().map(ToString::to_string);
            text.or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default()
        }
    };
    Some(error)
}

/// Runs all kinds at once, and those that fail up to three times more. Adds their failures, and to `never`
/// the kinds that never succeed.
async fn run_all(failures: &mut BTreeSet<String>, never: &mut BTreeSet<&str>) {
    let mut left: Vec<_> = KINDS.iter().collect();
    for _ in 0..4 {
        let runs: Vec<_> = left
            .drain(..)
            .map(|kind| (kind, tokio::spawn(failure((kind.run)()))))
            .collect();
        for (kind, run) in runs {
            if let Some(failure) = run.await.unwrap() {
                assert!(kind.may_fail, "{} failed: {failure}", kind.name);
                failures.insert(failure);
                left.push(kind);
            }
        }
    }
    never.extend(left.iter().map(|kind| kind.name));
}

/// Counts the events that report a refusal, and those that report its end.
#[derive(Debug, Clone, Default)]
struct Events(Arc<[AtomicUsize; 2]>);

impl Events {
    fn take(&self) -> [usize; 2] {
        [0, 1].map(|which| self.0[which].swap(0, Ordering::Relaxed))
    }
}

impl Write for Events {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(line);
        for (which, what) in ["refused a timer", "serves again"].into_iter().enumerate() {
            self.0[which].fetch_add(usize::from(line.contains(what)), Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Each failure must contain the text of `FAULT`. With `FAULT_LASTS` kinds need not recover. With
/// `FAULT_ALWAYS` a timer that needs the kernel's must not succeed.
#[test]
#[ignore = "for tests/faults.sh"]
fn every_kind_of_timer_survives_a_refused_call() {
    let _alone = alone();
    let fault = std::env::var("FAULT").unwrap_or_default();
    let before = open_descriptors();
    let (mut failures, mut never) = (BTreeSet::new(), BTreeSet::new());
    let events = Events::default();
    let writer = events.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    for create_runtime in [current_thread as fn() -> Runtime, || multi_thread(2)] {
        create_runtime().block_on(run_all(&mut failures, &mut never));
        let [refused, recovered] = events.take();
        assert!(
            (recovered..=recovered + 1).contains(&refused),
            "{refused} events of a refusal, {recovered} of its end"
        );
    }
    println!("failures: {failures:?}; never: {never:?}");
    assert!(
        !fault.is_empty() && failures.iter().all(|failure| failure.contains(&fault)),
        "{failures:?}"
    );
    if std::env::var_os("FAULT_LASTS").is_none() {
        assert!(never.is_empty(), "{never:?} did not recover");
    }
    if std::env::var_os("FAULT_ALWAYS").is_some() {
        assert!(never.contains("built"), "`build` returned no error");
    }
    assert_eq!(open_descriptors(), before, "descriptors");
}
