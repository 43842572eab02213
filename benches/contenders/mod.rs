//! Intervals that tick for a while and report their lateness.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::event::epoll;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant as TokioInstant;
use tokio_osinterval::{OsInterval, Precision};

/// The results of one round, in nanoseconds.
#[derive(Clone)]
pub(crate) struct Round {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Processor time per tick, of all threads.
    pub(crate) cpu: f64,
}

pub(crate) const RAW: &str = "a loop of `timerfd_settime` and `epoll_wait` alone";
pub(crate) const RAW_TWO: &str = "the same on two timers, each set ahead in turn";
pub(crate) const ASYNC_FD: &str = "the first loop in tokio's reactor: an `AsyncFd` by hand";
pub(crate) const ASYNC_FD_TWO: &str = "two `AsyncFd`s in turn";
pub(crate) const KERNEL: &str = "`Precision::Kernel`";
pub(crate) const SPIN: &str = "`Precision::Spin`";
pub(crate) const KERNEL_MULTI: &str = "`Precision::Kernel`, `multi_thread(2)`";
pub(crate) const SPIN_MULTI: &str = "`Precision::Spin`, `multi_thread(2)`";
pub(crate) const TOKIO: &str = "`tokio::time::interval`";
pub(crate) const SPIN_SLEEP: &str = "spin_sleep, on a thread";

pub(crate) type Contender = (&'static str, fn(Duration, u32) -> Round);

pub(crate) const CONTENDERS: &[Contender] = &[
    (RAW, |period, ticks| raw(period, ticks, 1)),
    (RAW_TWO, |period, ticks| raw(period, ticks, 2)),
    (ASYNC_FD, |period, ticks| async_fd(period, ticks, 1)),
    (ASYNC_FD_TWO, |period, ticks| async_fd(period, ticks, 2)),
    (KERNEL, |period, ticks| {
        os(&current_thread(), Precision::Kernel, period, ticks)
    }),
    (SPIN, |period, ticks| {
        os(&current_thread(), Precision::Spin, period, ticks)
    }),
    (KERNEL_MULTI, |period, ticks| {
        os(&multi_thread(), Precision::Kernel, period, ticks)
    }),
    (SPIN_MULTI, |period, ticks| {
        os(&multi_thread(), Precision::Spin, period, ticks)
    }),
    (TOKIO, with_tokio),
    ("1.0.0", with_seed),
    ("async-io, on its own thread", with_async_io),
    (SPIN_SLEEP, with_spin_sleep),
];

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi_thread() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

/// Records the lateness of each tick and the processor time.
struct Meter {
    late: Histogram<u64>,
    cpu: Duration,
    to_warm_up: u32,
}

const WARM_UP: u32 = 50;

impl Meter {
    fn start() -> Self {
        Self {
            late: Histogram::new(3).unwrap(),
            cpu: processor_time(),
            to_warm_up: WARM_UP,
        }
    }

    fn tick(&mut self, deadline: Instant) {
        let now = Instant::now();
        assert!(now >= deadline, "early");
        if self.to_warm_up > 0 {
            // Skips the ticks that warm up the caches and the driver's estimates.
            self.to_warm_up -= 1;
            self.cpu = processor_time();
            return;
        }
        let late = now.duration_since(deadline).as_nanos();
        self.late.record(u64::try_from(late).unwrap()).unwrap();
    }

    #[allow(clippy::cast_precision_loss, reason = "no figure is that large")]
    fn stop(self) -> Round {
        let cpu = processor_time().saturating_sub(self.cpu);
        Round {
            p50: self.late.value_at_quantile(0.5) as f64,
            p99: self.late.value_at_quantile(0.99) as f64,
            cpu: cpu.as_nanos() as f64 / self.late.len() as f64,
        }
    }
}

fn processor_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}

fn os(runtime: &Runtime, precision: Precision, period: Duration, ticks: u32) -> Round {
    runtime.block_on(async move {
        let round = tokio::spawn(async move {
            let builder = OsInterval::builder(period).precision(precision);
            let mut interval = builder.start(TokioInstant::now() + period).build().unwrap();
            let mut meter = Meter::start();
            for _ in 0..ticks + WARM_UP {
                meter.tick(interval.tick().await.into());
            }
            meter.stop()
        });
        round.await.unwrap()
    })
}

fn with_tokio(period: Duration, ticks: u32) -> Round {
    current_thread().block_on(async move {
        let round = tokio::spawn(async move {
            let mut interval = tokio::time::interval_at(TokioInstant::now() + period, period);
            let mut meter = Meter::start();
            for _ in 0..ticks + WARM_UP {
                meter.tick(interval.tick().await.into());
            }
            meter.stop()
        });
        round.await.unwrap()
    })
}

fn with_seed(period: Duration, ticks: u32) -> Round {
    current_thread().block_on(async move {
        let round = tokio::spawn(async move {
            let start = TokioInstant::now() + period;
            let mut interval = seed::interval_at(start, period);
            let mut meter = Meter::start();
            for _ in 0..ticks + WARM_UP {
                meter.tick(interval.tick().await.into());
            }
            meter.stop()
        });
        round.await.unwrap()
    })
}

fn with_async_io(period: Duration, ticks: u32) -> Round {
    use futures::StreamExt;

    async_io::block_on(async move {
        let mut interval = async_io::Timer::interval_at(Instant::now() + period, period);
        let mut meter = Meter::start();
        for _ in 0..ticks + WARM_UP {
            meter.tick(interval.next().await.unwrap());
        }
        meter.stop()
    })
}

fn with_spin_sleep(period: Duration, ticks: u32) -> Round {
    let sleeper = spin_sleep::SpinSleeper::default();
    let mut deadline = Instant::now();
    let mut meter = Meter::start();
    for _ in 0..ticks + WARM_UP {
        deadline += period;
        sleeper.sleep_until(deadline);
        meter.tick(deadline);
    }
    meter.stop()
}

/// Prints the share of its throughput that an echo over TCP keeps beside a spinning interval.
pub(crate) fn beside(period: Duration) {
    use crate::support::{median, rounds};

    let ratios = (0..rounds(9)).map(|_| {
        let [kernel, spin] = [Precision::Kernel, Precision::Spin]
            .map(|precision| current_thread().block_on(echoes(period, precision)));
        spin / kernel
    });
    let ratio = median(ratios.collect());
    println!("an echo beside it: {ratio:.3} of the throughput that it has beside Kernel");
}

/// Returns the number of bytes echoed in a given time, one at a time.
async fn echoes(period: Duration, precision: Precision) -> f64 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (near, far) = tokio::join!(
        TcpStream::connect(listener.local_addr().unwrap()),
        listener.accept()
    );
    let (mut near, mut far) = (near.unwrap(), far.unwrap().0);
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    let echo = tokio::spawn(async move {
        while let Ok(byte) = far.read_u8().await {
            far.write_u8(byte).await.unwrap();
        }
    });
    let ticking = tokio::spawn(async move {
        let builder = OsInterval::builder(period).precision(precision);
        let mut interval = builder.build().unwrap();
        loop {
            interval.tick().await;
        }
    });
    let mut count = 0.0;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(400) {
        near.write_u8(1).await.unwrap();
        near.read_u8().await.unwrap();
        count += 1.0;
    }
    ticking.abort();
    drop(near);
    echo.await.unwrap();
    count
}

/// Kernel timers that take turns: each is armed for the tick after those of the others.
struct Timers {
    /// One instant on both clocks.
    epoch: (Instant, Duration),
    period: Duration,
    /// The tick that the next timer is armed for.
    ahead: u32,
}

impl Timers {
    fn new(count: usize, period: Duration) -> (Self, Vec<OwnedFd>) {
        let timer = || timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK).unwrap();
        let kernel = clock_gettime(ClockId::Monotonic).try_into().unwrap();
        let timers = Self {
            epoch: (Instant::now(), kernel),
            period,
            ahead: 1,
        };
        (timers, (0..count).map(|_| timer()).collect())
    }

    fn deadline(&self, tick: u32) -> Instant {
        self.epoch.0 + self.period * tick
    }

    fn set(&mut self, timer: &OwnedFd) {
        let once = Itimerspec {
            it_interval: Timespec::default(),
            it_value: (self.epoch.1 + self.period * self.ahead)
                .try_into()
                .unwrap(),
        };
        timerfd_settime(timer, TimerfdTimerFlags::ABSTIME, &once).unwrap();
        self.ahead += 1;
    }
}

/// Makes only the two system calls of a tick.
fn raw(period: Duration, ticks: u32, count: usize) -> Round {
    let (mut timers, descriptors) = Timers::new(count, period);
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    for timer in &descriptors {
        let edge = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, timer, epoll::EventData::new_u64(0), edge).unwrap();
        timers.set(timer);
    }
    let mut events = Vec::with_capacity(8);
    let mut meter = Meter::start();
    let turns = descriptors.iter().cycle();
    for (tick, timer) in (1..=ticks + WARM_UP).zip(turns) {
        let deadline = timers.deadline(tick);
        while Instant::now() < deadline {
            events.clear();
            epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None).unwrap();
        }
        meter.tick(deadline);
        timers.set(timer);
    }
    meter.stop()
}

/// The same in tokio's reactor, by hand: shows the reactor's share of the cost.
fn async_fd(period: Duration, ticks: u32, count: usize) -> Round {
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    current_thread().block_on(async move {
        let round = tokio::spawn(async move {
            let (mut timers, descriptors) = Timers::new(count, period);
            let registered = descriptors.into_iter().map(|timer| {
                timers.set(&timer);
                // SAFETY: the descriptor belongs to the `AsyncFd`, and is not taken out of it.
                let fd = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) };
                fd.unwrap()
            });
            let registered: Vec<_> = registered.collect();
            let mut meter = Meter::start();
            let turns = registered.iter().cycle();
            for (tick, timer) in (1..=ticks + WARM_UP).zip(turns) {
                let deadline = timers.deadline(tick);
                while Instant::now() < deadline {
                    timer.readable().await.unwrap().clear_ready();
                }
                meter.tick(deadline);
                timers.set(timer.get_ref());
            }
            meter.stop()
        });
        round.await.unwrap()
    })
}
