//! One run of every kind of timer for `tests/faults.sh`, which has the kernel refuse a call of it:
//! tokio's timer serves, or where the kernel's own was asked for the refusal is told; what is made anew
//! works; nothing hangs, is early, lost or left behind.
#![cfg(all(timerfd, feature = "tracing", not(feature = "test-util")))]

use std::collections::BTreeSet;
use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::alone;
use crate::support::{Watchdog, current_thread, ms, multi_thread, open_descriptors};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_osinterval::error::ClockWasSet;
use tokio_osinterval::{Clock, OsInterval, PeriodicInterval, interval, sleep, timeout};

type Run = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// Its name; whether it is told of a refusal; and what makes timers of its own and uses them to their end.
type Kind = (&'static str, bool, fn() -> Run);

const KINDS: [Kind; 8] = [
    ("built", true, || Box::pin(built())),
    ("interval", false, || Box::pin(interval_resets())),
    ("sleep", false, || Box::pin(sleep_ends())),
    ("timeout", false, || Box::pin(timeout_elapses())),
    ("elsewhere", false, || Box::pin(polled_elsewhere())),
    ("dropped", false, || Box::pin(dropped_while_it_waits())),
    ("periodic", true, || Box::pin(periodic(Clock::Monotonic))),
    ("wall", true, || Box::pin(periodic(Clock::Realtime))),
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

/// On a thread that is in no runtime.
async fn polled_elsewhere() -> io::Result<()> {
    let (done, is_done) = oneshot::channel();
    let (deadline, sleep) = (Instant::now() + ms(3), sleep(ms(3)));
    std::thread::spawn(move || {
        futures::executor::block_on(sleep);
        assert!(deadline <= Instant::now(), "early");
        done.send(()).unwrap();
    });
    is_done.await.map_err(io::Error::other)
}

async fn dropped_while_it_waits() -> io::Result<()> {
    let mut far = Box::pin(sleep(ms(60_000)));
    assert!(crate::support::poll_once(&mut far).await.is_pending());
    Ok(())
}

async fn periodic(clock: Clock) -> io::Result<()> {
    let began = Instant::now();
    let mut periodic = PeriodicInterval::builder(ms(2)).clock(clock).build()?;
    let mut count = 0;
    while count < 4 {
        count += periodic.tick().await?;
    }
    // The wall clock runs faster or slower than the other, to be set right.
    if clock == Clock::Monotonic {
        let due = ms(2) * u32::try_from(count).unwrap();
        assert!(began + due <= Instant::now(), "early");
    }
    Ok(())
}

/// Why a run ended, if not as it should: an error, or a panic's message.
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

/// All kinds at once, each again after a failure; a kind that never succeeds is in `never`.
async fn all(failures: &mut BTreeSet<String>, never: &mut BTreeSet<&str>) {
    let mut left: Vec<_> = KINDS.iter().collect();
    for _ in 0..4 {
        let runs: Vec<_> = left
            .drain(..)
            .map(|kind| (kind, tokio::spawn(failure((kind.2)()))))
            .collect();
        for (kind, run) in runs {
            if let Some(why) = run.await.unwrap() {
                let (name, is_told, _) = kind;
                assert!(is_told, "{name} is to be served by tokio's: {why}");
                failures.insert(why);
                left.push(kind);
            }
        }
    }
    never.extend(left.iter().map(|(name, ..)| name));
}

fn runtimes() -> impl Iterator<Item = Runtime> {
    [current_thread as fn() -> Runtime, || multi_thread(2)]
        .into_iter()
        .map(|make| make())
}

/// How often it is told that the kernel refuses, and that it serves again.
#[derive(Debug, Clone, Default)]
struct Told(Arc<[AtomicUsize; 2]>);

impl Told {
    fn take(&self) -> [usize; 2] {
        [0, 1].map(|which| self.0[which].swap(0, Ordering::Relaxed))
    }
}

impl Write for Told {
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

/// `FAULT` is what must stand in each failure, and `FAULT_LASTS` that there may be no end of them. With
/// `FAULT_ALWAYS` there is none for a timer that insists on the kernel's.
#[test]
#[ignore = "for tests/faults.sh"]
fn every_kind_of_timer() {
    let _alone = alone();
    let _watchdog = Watchdog::new("every_kind_of_timer");
    let fault = std::env::var("FAULT").unwrap_or_default();
    let before = open_descriptors();
    let (mut failures, mut never) = (BTreeSet::new(), BTreeSet::new());
    let told = Told::default();
    let writer = told.clone();
    let listens = tracing_subscriber::fmt().with_writer(move || writer.clone());
    tracing::subscriber::set_global_default(listens.finish()).unwrap();
    for runtime in runtimes() {
        runtime.block_on(all(&mut failures, &mut never));
        let [refused, accepted] = told.take();
        assert!(
            (accepted..=accepted + 1).contains(&refused),
            "told {refused} times of a refusal, and {accepted} times of its end"
        );
    }
    println!("failures: {failures:?}; never: {never:?}");
    assert!(
        !fault.is_empty() && failures.iter().all(|why| why.contains(&fault)),
        "{failures:?}"
    );
    if std::env::var_os("FAULT_LASTS").is_none() {
        assert!(never.is_empty(), "{never:?} did not recover");
    }
    if std::env::var_os("FAULT_ALWAYS").is_some() {
        assert!(never.contains("built"), "it was not told of the refusal");
    }
    assert_eq!(open_descriptors(), before, "descriptors");
}
