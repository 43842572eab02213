//! Many intervals, each in a task of its own.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::Instant as TokioInstant;
use tokio_osinterval::OsInterval;

use crate::support::{self, Table, late, median, number};

pub(crate) fn rounds() -> usize {
    support::rounds(5)
}

pub(crate) struct Work {
    pub(crate) name: &'static str,
    count: u32,
    period: Duration,
    lasts: Duration,
    spread: Spread,
    contenders: &'static [Timer],
}

/// How the deadlines are spread over a period.
#[derive(Clone, Copy)]
enum Spread {
    Evenly,
    AtOnce,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Timer {
    Os,
    /// With a tolerance of 1 ms.
    Tolerant,
    Tokio,
    Seed,
}

impl Timer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Os => "here",
            Self::Tolerant => "here, tolerance 1 ms",
            Self::Tokio => "tokio",
            Self::Seed => "1.0.0",
        }
    }
}

const MS: Duration = Duration::from_millis(1);

const fn spread(name: &'static str, count: u32, period: u32, contenders: &'static [Timer]) -> Work {
    Work {
        name,
        count,
        period: Duration::from_millis(period as u64),
        lasts: Duration::from_millis(if period >= 1000 { 2200 } else { 700 }),
        spread: Spread::Evenly,
        contenders,
    }
}

pub(crate) const ALL: &[Timer] = &[Timer::Os, Timer::Tolerant, Timer::Tokio, Timer::Seed];
/// The published version opens a descriptor for each interval, so it is not among these.
const MANY: &[Timer] = &[Timer::Os, Timer::Tolerant, Timer::Tokio];

pub(crate) const WORK: &[Work] = &[
    spread("1 × 10 ms", 1, 10, ALL),
    spread("10 × 10 ms", 10, 10, ALL),
    spread("100 × 10 ms", 100, 10, ALL),
    spread("1,000 × 10 ms", 1000, 10, ALL),
    Work {
        spread: Spread::AtOnce,
        ..spread("1,000 × 10 ms, all at once", 1000, 10, ALL)
    },
    spread("10,000 × 100 ms", 10_000, 100, ALL),
    spread("100,000 × 1 s", 100_000, 1000, MANY),
];

/// The results of one round, in nanoseconds.
#[derive(Clone, Copy)]
struct Round {
    p50: f64,
    p99: f64,
    cpu: f64,
    descriptors: f64,
}

impl Work {
    /// Prints a row for each contender and returns the ratios.
    pub(crate) fn run(&self, table: &Table) -> Vec<String> {
        let mut rounds = vec![Vec::new(); self.contenders.len()];
        for _ in 0..self::rounds() {
            for (rounds, timer) in rounds.iter_mut().zip(self.contenders) {
                rounds.push(self.round(*timer));
            }
        }
        for (timer, rounds) in self.contenders.iter().zip(&rounds) {
            let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
            table.row(&[
                self.name.to_owned(),
                timer.name().to_owned(),
                late(of(|round| round.p50) / 1e3),
                late(of(|round| round.p99) / 1e3),
                number(of(|round| round.cpu) / 1e3, 2),
                number(of(|round| round.descriptors), 0),
            ]);
        }
        let named = |timer: &Timer| {
            let place = self.contenders.iter().position(|other| other == timer);
            place.map(|place| &rounds[place])
        };
        let mut ratios = Vec::new();
        for own in [Timer::Os, Timer::Tolerant] {
            for peer in [Timer::Tokio, Timer::Seed] {
                let Some((of, to)) = named(&own).zip(named(&peer)) else {
                    continue;
                };
                let ratio = |figure: fn(&Round) -> f64| {
                    let [of, to] =
                        [of, to].map(|rounds| rounds.iter().map(figure).collect::<Vec<_>>());
                    support::ratio(&of, &to)
                };
                ratios.push(format!(
                    "{}: {} / {}: CPU {:.2}, p50 {:.2}, p99 {:.2}",
                    self.name,
                    own.name(),
                    peer.name(),
                    ratio(|round| round.cpu),
                    ratio(|round| round.p50),
                    ratio(|round| round.p99),
                ));
            }
        }
        ratios
    }

    fn start(&self, n: u32) -> Duration {
        MS * 50
            + match self.spread {
                Spread::Evenly => self.period / self.count * n,
                Spread::AtOnce => Duration::ZERO,
            }
    }

    #[allow(clippy::cast_precision_loss, reason = "no figure is that large")]
    fn round(&self, timer: Timer) -> Round {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let before = descriptors();
        let late = Rc::new(RefCell::new(Histogram::<u64>::new(3).unwrap()));
        let tasks = LocalSet::new();
        runtime.block_on(tasks.run_until(async {
            let now = TokioInstant::now();
            for n in 0..self.count {
                let start = now + self.start(n) + self.period;
                let period = self.period;
                let late = Rc::clone(&late);
                macro_rules! ticks {
                    ($interval:expr) => {{
                        let mut interval = $interval;
                        tokio::task::spawn_local(async move {
                            loop {
                                let deadline: Instant = interval.tick().await.into();
                                let nanos = deadline.elapsed().as_nanos();
                                late.borrow_mut()
                                    .record(u64::try_from(nanos).unwrap())
                                    .unwrap();
                            }
                        });
                    }};
                }
                match timer {
                    Timer::Os => ticks!(tokio_osinterval::interval_at(start, period)),
                    Timer::Tolerant => {
                        let builder = OsInterval::builder(period).start(start);
                        ticks!(builder.tolerance(MS).build().unwrap());
                    }
                    Timer::Tokio => ticks!(tokio::time::interval_at(start, period)),
                    Timer::Seed => ticks!(seed::interval_at(start, period)),
                }
            }
            // Waits until every interval has ticked once.
            tokio::time::sleep_until(now + MS * 50 + self.period * 2).await;
            late.borrow_mut().reset();
            let cpu = processor_time();
            let descriptors = descriptors() - before;
            tokio::time::sleep(self.lasts).await;
            let cpu = processor_time().saturating_sub(cpu);
            let late = late.borrow();
            Round {
                p50: late.value_at_quantile(0.5) as f64,
                p99: late.value_at_quantile(0.99) as f64,
                cpu: cpu.as_nanos() as f64 / late.len() as f64,
                descriptors: descriptors as f64,
            }
        }))
    }
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn processor_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}
