//! A made-up report that resembles a real one. It has as many timers as possible, one that fails midway, one
//! that never ticks, and characters that need escaping.

use std::collections::BTreeMap;

use crate::machine::Machine;
use crate::report::{Bar, FORMAT, Figures, Percentile, Report, Settings, Slot, Spread, Timer};

const PERIOD: u64 = 1_000_000;
const ROUNDS: u64 = 5;
const ROUND: u64 = 2_000_000_000;
const SLOT: u64 = 300_000_000;

/// A timer's usual lateness, its spread, and the length of its occasional stalls.
struct Kind {
    name: &'static str,
    about: &'static str,
    floor: bool,
    usual: f64,
    spread: f64,
    stall: f64,
}

const fn kind(
    name: &'static str,
    about: &'static str,
    usual: f64,
    spread: f64,
    stall: f64,
) -> Kind {
    Kind {
        name,
        about,
        floor: false,
        usual,
        spread,
        stall,
    }
}

const KINDS: [Kind; 9] = [
    Kind {
        floor: true,
        ..kind(
            "clock-nanosleep",
            "a thread in clock_nanosleep(TIMER_ABSTIME)",
            48e3,
            0.12,
            150e3,
        )
    },
    Kind {
        floor: true,
        ..kind(
            "epoll-timerfd",
            "a thread in epoll_wait, and a timerfd",
            52e3,
            0.13,
            170e3,
        )
    },
    kind("os", "tokio_osinterval::OsInterval", 57e3, 0.16, 260e3),
    kind(
        "os-spin",
        "OsInterval with Precision::Spin",
        90.0,
        0.5,
        240e3,
    ),
    kind("tokio", "tokio::time::interval", 620e3, 0.5, 1_900e3),
    kind(
        "periodic",
        "tokio_osinterval::PeriodicInterval",
        55e3,
        0.15,
        2_600e3,
    ),
    kind(
        "async-io",
        "async_io::Timer, polled by tokio",
        76e3,
        0.3,
        900e3,
    ),
    kind(
        "thread",
        "a thread in std::thread::sleep",
        110e3,
        0.35,
        400e3,
    ),
    kind("spin-sleep", "a thread in spin_sleep", 40.0, 0.2, 130e3),
];

/// The timer that never ticks.
const BROKEN: &str = "thread";

pub fn report() -> Report {
    let mut random = fastrand::Rng::with_seed(7);
    let timers = (0..)
        .zip(&KINDS)
        .map(|(place, kind)| timer(&mut random, place, kind));
    Report {
        format: FORMAT,
        version: "0.1.0".to_owned(),
        command: [
            "ticklab",
            "run",
            "--timer=os,tokio",
            "--html",
            "it's <b>&\"1\".html",
        ]
        .map(str::to_owned)
        .to_vec(),
        began: "2026-11-23T04:15:30.5Z".to_owned(),
        took_ns: ROUNDS * ROUND * KINDS.len() as u64,
        interrupted: true,
        settings: Settings {
            period_ns: PERIOD,
            duration_ns: ROUNDS * ROUND,
            rounds: u32::try_from(ROUNDS).unwrap(),
            warm_up_ns: 100_000_000,
            intervals: 1,
            runtime: "current".to_owned(),
            event_interval: 61,
            load_percent: 0,
            load_kind: "yield".to_owned(),
            load_poll_ns: 100_000,
            load_threads: 0,
            work_ns: 0,
            tolerance_ns: 0,
            missed: "burst".to_owned(),
            seed: 1_234_567_890_123_456,
        },
        machine: Machine {
            os: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
            kernel: Some("6.1.0-18-amd64".to_owned()),
            cpu: Some("Imaginary Processor <X> & Co. @ 2.10GHz".to_owned()),
            cores: Some(2),
            virtualised: Some("kvm".to_owned()),
            clock_source: Some("tsc".to_owned()),
            governor: None,
            timer_slack_ns: Some(50_000),
            load_average: Some(0.52),
        },
        timers: timers.collect(),
    }
}

fn timer(random: &mut fastrand::Rng, place: u64, kind: &Kind) -> Timer {
    let mut timer = Timer {
        name: kind.name.to_owned(),
        about: kind.about.to_owned(),
        floor: kind.floor,
        failure: None,
        total: None,
        rounds: Vec::new(),
        percentiles: Vec::new(),
        bars: Vec::new(),
        timeline: Vec::new(),
        histogram: String::new(),
    };
    if kind.name == BROKEN {
        timer.failure = Some("no <thread> & no \"stack\" for it: try again".to_owned());
        return timer;
    }
    let rounds = if kind.name == "periodic" {
        ROUNDS - 2
    } else {
        ROUNDS
    };
    if rounds < ROUNDS {
        timer.failure = Some("in round 4: the kernel refused another timer".to_owned());
    }
    let mut slots = BTreeMap::<u64, Vec<u64>>::new();
    let mut all = Vec::new();
    for round in 0..rounds {
        let begun = (round * KINDS.len() as u64 + (place + round) % KINDS.len() as u64) * ROUND;
        for tick in 0..ROUND / PERIOD {
            let late = lateness(random, kind);
            slots
                .entry((begun + tick * PERIOD) / SLOT)
                .or_default()
                .push(late);
            all.push(late);
        }
    }
    all.sort_unstable();
    timer.percentiles = percentiles(&all);
    timer.bars = bars(&all);
    timer.timeline = slots
        .into_iter()
        .map(|(slot, lateness)| self::slot(slot, lateness))
        .collect();
    timer.total = Some(figures(kind, &all));
    timer
}

/// Returns a roughly log-normal lateness with occasional stalls.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sample data"
)]
fn lateness(random: &mut fastrand::Rng, kind: &Kind) -> u64 {
    let normal = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
    let usual = kind.usual * (normal * kind.spread).exp();
    let stall = if random.u32(..400) == 0 {
        kind.stall * random.f64()
    } else {
        0.0
    };
    (usual + stall) as u64
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sample data"
)]
fn at(sorted: &[u64], share: f64) -> u64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// Returns ten points for each halving of the rest, as `HdrHistogram` does.
#[allow(clippy::cast_precision_loss, reason = "sample data")]
fn percentiles(sorted: &[u64]) -> Vec<Percentile> {
    let point = |share| Percentile {
        percentile: share * 100.0,
        lateness_ns: at(sorted, share),
    };
    let halvings = sorted.len().ilog2();
    let shares = (0..halvings).flat_map(|halving| {
        let left = 0.5_f64.powf(f64::from(halving));
        (0..10).map(move |step| 1.0 - left * (1.0 - f64::from(step) / 20.0))
    });
    shares.chain([1.0]).map(point).collect()
}

fn bars(sorted: &[u64]) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for &value in sorted {
        let width = 1 << (value | 64).ilog2().saturating_sub(3);
        let from_ns = value / width * width;
        match bars.last_mut() {
            Some(last) if last.from_ns == from_ns => last.count += 1,
            _ => bars.push(Bar {
                from_ns,
                to_ns: from_ns + width,
                count: 1,
            }),
        }
    }
    bars
}

fn slot(slot: u64, mut lateness: Vec<u64>) -> Slot {
    lateness.sort_unstable();
    Slot {
        at_ns: slot * SLOT,
        p50_ns: at(&lateness, 0.5),
        max_ns: at(&lateness, 1.0),
        count: lateness.len() as u64,
    }
}

#[allow(clippy::cast_precision_loss, reason = "sample data")]
fn figures(kind: &Kind, sorted: &[u64]) -> Figures {
    let lateness = Spread {
        min_ns: sorted[0],
        mean_ns: sorted.iter().sum::<u64>() as f64 / sorted.len() as f64,
        p50_ns: at(sorted, 0.5),
        p90_ns: at(sorted, 0.9),
        p99_ns: at(sorted, 0.99),
        p999_ns: at(sorted, 0.999),
        max_ns: at(sorted, 1.0),
    };
    let missed = sorted.iter().filter(|late| **late > PERIOD).count() as u64;
    Figures {
        deadlines: sorted.len() as u64,
        ticks: sorted.len() as u64 - missed,
        missed,
        bunched: missed / 2,
        early: u64::from(kind.usual < 50.0),
        lateness,
        jitter: Some(lateness),
        drift_ns: Some(if kind.name == "spin-sleep" { -1_234 } else { 0 }),
        cpu_per_tick_ns: Some(kind.usual / 9.0 + 4_000.0),
        switches_per_tick: (!kind.floor).then_some(2.02),
        descriptors: (!kind.floor).then_some(5),
        syscalls_per_tick: None,
    }
}
