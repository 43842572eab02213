//! Timers that a task on a tokio runtime waits for.

use std::io;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use async_io::Timer;
use futures_lite::StreamExt;
use tokio::runtime::{Builder, Runtime as TokioRuntime};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_osinterval::{OsInterval, PeriodicInterval, Precision};

use super::course::Consumer;
use super::{Course, load};
use crate::choice::{Kind, Missed, Runtime};
use crate::plan::Plan;

/// Runs each interval in a task of its own.
pub fn run(kind: Kind, course: &Course) -> io::Result<()> {
    let (runtime, threads) = runtime(&course.plan)?;
    course.mark_timer_creation();
    runtime.block_on(async {
        let mut intervals = JoinSet::new();
        for (index, start) in course.starts.iter().enumerate() {
            let (plan, consumer, start) =
                (course.plan.clone(), course.consumer(index), (*start).into());
            match kind {
                Kind::Os => intervals.spawn(os(plan, Precision::Kernel, start, consumer)),
                Kind::OsSpin => intervals.spawn(os(plan, Precision::Spin, start, consumer)),
                Kind::Tokio => intervals.spawn(tokio(plan, start, consumer)),
                Kind::Periodic => intervals.spawn(periodic(plan, start, consumer)),
                Kind::AsyncIo => intervals.spawn(async_io(plan, start, consumer)),
                other => unreachable!("{other:?} has threads"),
            };
        }
        // The load ends when this block drops it.
        let _load = load::Tasks::start(&course.plan, threads, &course.stop);
        while let Some(ended) = intervals.join_next().await {
            ended??;
        }
        Ok(())
    })
}

/// Returns the runtime and its number of threads.
fn runtime(plan: &Plan) -> io::Result<(TokioRuntime, usize)> {
    let (mut builder, threads) = match plan.runtime {
        Runtime::Current => (Builder::new_current_thread(), 1),
        Runtime::Multi(threads) => {
            let threads = threads.or_else(|| available_parallelism().ok());
            let threads = threads.map_or(1, NonZeroUsize::get);
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads);
            (builder, threads)
        }
    };
    builder.enable_all().event_interval(plan.event_interval);
    Ok((builder.build()?, threads))
}

async fn os(
    plan: Plan,
    precision: Precision,
    start: Instant,
    mut consumer: Consumer,
) -> io::Result<()> {
    let mut interval = OsInterval::builder(plan.period)
        .start(start)
        .precision(precision)
        .tolerance(plan.tolerance)
        .missed_tick_behavior(match plan.missed {
            Missed::Burst => tokio_osinterval::MissedTickBehavior::Burst,
            Missed::Delay => tokio_osinterval::MissedTickBehavior::Delay,
            Missed::Skip => tokio_osinterval::MissedTickBehavior::Skip,
        })
        .build()?;
    while consumer.tick(interval.tick().await.into_std()) {}
    Ok(())
}

async fn tokio(plan: Plan, start: Instant, mut consumer: Consumer) -> io::Result<()> {
    let mut interval = tokio::time::interval_at(start, plan.period);
    interval.set_missed_tick_behavior(match plan.missed {
        Missed::Burst => MissedTickBehavior::Burst,
        Missed::Delay => MissedTickBehavior::Delay,
        Missed::Skip => MissedTickBehavior::Skip,
    });
    while consumer.tick(interval.tick().await.into_std()) {}
    Ok(())
}

async fn periodic(plan: Plan, start: Instant, mut consumer: Consumer) -> io::Result<()> {
    let mut interval = PeriodicInterval::builder(plan.period)
        .start(start)
        .build()?;
    let mut deadline = start.into_std();
    loop {
        let expirations = interval.tick().await?;
        if !consumer.tick(deadline) {
            return Ok(());
        }
        let expirations = u32::try_from(expirations).unwrap_or(u32::MAX);
        deadline += plan.period.saturating_mul(expirations);
    }
}

async fn async_io(plan: Plan, start: Instant, mut consumer: Consumer) -> io::Result<()> {
    let mut interval = Timer::interval_at(start.into_std(), plan.period);
    while let Some(deadline) = interval.next().await {
        if !consumer.tick(deadline) {
            break;
        }
    }
    Ok(())
}
