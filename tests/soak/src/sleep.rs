//! Sleeps among thousands of timers, and quiet sleeps, which are nearly alone in their runtime.

use std::future::poll_fn;

use tokio::runtime::Handle;
use tokio_osinterval::{Precision, Sleep};

use crate::one_shot::OneShot;
use crate::owner::{FAR, Owner};
use crate::schedule::{TimeRange, Timestamp};
use crate::shared::duration;

/// Runs one sleep after the other until the end of the soak.
pub(crate) async fn run(owner: Owner) {
    let mut next = Some(owner);
    while let Some(mut owner) = next.take_if(|owner| owner.has_time()) {
        let length = owner.period();
        let mut sleep = create(owner, length);
        match sleep.owner.rng.u8(..20) {
            0 => reset(&mut sleep, length),
            1 => {
                reset_while_waiting(&mut sleep, length).await;
                // A completed sleep can be used again.
                reset(&mut sleep, length);
            }
            2 => {
                let tolerance = length / 8;
                sleep.tolerance = tolerance;
                sleep.future.as_mut().set_tolerance(duration(tolerance));
            }
            _ => {}
        }
        next = sleep.run().await.0;
    }
}

/// Runs a few sleeps at a time, each in a task of its own, in a runtime without other timers.
///
/// Among thousands of timers, one for which no alarm was armed is woken together with the next one, and
/// hardly shows. Here there is no next one, and the timer is lost.
pub(crate) async fn run_quietly(mut owners: Vec<Owner>) {
    while owners.iter().all(Owner::has_time) {
        let tasks: Vec<_> = owners
            .drain(..)
            .map(|owner| Handle::current().spawn(run_quiet_sleep(owner)))
            .collect();
        for task in tasks {
            let Ok(owner) = task.await else {
                return;
            };
            owners.push(owner);
        }
    }
}

async fn run_quiet_sleep(mut owner: Owner) -> Owner {
    let length = owner.rng.i64(200_000..6_000_000);
    let mut sleep = create(owner, length);
    match sleep.owner.rng.u8(..8) {
        0 => reset_while_waiting(&mut sleep, length).await,
        1 => drop(sleep.poll_once().await),
        2 => {
            sleep.future.as_mut().set_precision(Precision::Spin);
            sleep.ready().await;
        }
        _ => sleep.ready().await,
    }
    sleep.owner.ended(sleep.waiting);
    sleep.owner
}

fn create(mut owner: Owner, length: i64) -> OneShot<Sleep> {
    let (expected, sleep) = if owner.chance(50) {
        let (created, sleep) = owner.timed(|| tokio_osinterval::sleep(duration(length)));
        (created.later(length), sleep)
    } else {
        let until = owner.now() + length;
        let sleep = tokio_osinterval::sleep_until(owner.shared.instant(until));
        (TimeRange::at(until), sleep)
    };
    let due = owner.shared.timestamp(sleep.deadline());
    let sleep = OneShot::new(owner, sleep, due);
    if !expected.contains(due) {
        let what = format!("the deadline is {due}, not in {expected:?}");
        sleep.owner.fail(&what);
    }
    sleep
}

fn reset(sleep: &mut OneShot<Sleep>, length: i64) {
    let due = sleep.owner.now() + sleep.owner.rng.i64(0..length);
    reset_to(sleep, due);
}

fn reset_to(sleep: &mut OneShot<Sleep>, due: Timestamp) {
    sleep.due = due;
    let deadline = sleep.owner.shared.instant(due);
    sleep.future.as_mut().reset(deadline);
    sleep.owner.reset(due);
}

/// Waits, resets the sleep while it waits, and does not poll it after that: the reset must wake it. Half of
/// the first deadlines are far away.
async fn reset_while_waiting(sleep: &mut OneShot<Sleep>, length: i64) {
    if sleep.owner.chance(50) {
        reset_to(sleep, sleep.owner.now() + FAR);
    }
    let mut was_reset = false;
    poll_fn(|cx| {
        let polled = sleep.poll(cx);
        if polled.is_pending() && !was_reset {
            was_reset = true;
            reset(sleep, length);
            sleep.record_wait();
        }
        polled
    })
    .await;
}
