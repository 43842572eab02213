//! Sleeps, and those that are all alone.

use std::future::poll_fn;

use tokio::runtime::Handle;
use tokio_osinterval::{Precision, Sleep};

use crate::account::{Between, Moment};
use crate::books::duration;
use crate::keeper::{FAR, Keeper};
use crate::once::Once;

pub(crate) async fn live(keeper: Keeper) {
    let mut next = Some(keeper);
    while let Some(mut keeper) = next.take_if(|keeper| keeper.has_time()) {
        let length = keeper.period();
        let mut sleep = make(keeper, length);
        match sleep.keeper.dice.u8(..20) {
            0 => reset(&mut sleep, length),
            1 => {
                reset_meanwhile(&mut sleep, length).await;
                // It can be used again.
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

/// Few sleeps at a time, each a task of its own, with nobody else in their runtime. Among thousands a
/// timer that the alarm was not set for is woken with the next one that waits, and hardly anybody sees
/// it. Here there is no next one: it is lost.
pub(crate) async fn live_quietly(mut keepers: Vec<Keeper>) {
    while keepers.iter().all(Keeper::has_time) {
        let tasks: Vec<_> = keepers
            .drain(..)
            .map(|keeper| Handle::current().spawn(one_quietly(keeper)))
            .collect();
        for task in tasks {
            let Ok(keeper) = task.await else {
                return;
            };
            keepers.push(keeper);
        }
    }
}

async fn one_quietly(mut keeper: Keeper) -> Keeper {
    let length = keeper.dice.i64(200_000..6_000_000);
    let mut sleep = make(keeper, length);
    match sleep.keeper.dice.u8(..8) {
        0 => reset_meanwhile(&mut sleep, length).await,
        1 => drop(sleep.poll_by_half().await),
        2 => {
            sleep.future.as_mut().set_precision(Precision::Spin);
            sleep.ready().await;
        }
        _ => sleep.ready().await,
    }
    sleep.keeper.done(sleep.waiting);
    sleep.keeper
}

fn make(mut keeper: Keeper, length: i64) -> Once<Sleep> {
    let (expected, sleep) = if keeper.chance(50) {
        let (made, sleep) = keeper.during(|| tokio_osinterval::sleep(duration(length)));
        (made.later(length), sleep)
    } else {
        let until = keeper.now() + length;
        let sleep = tokio_osinterval::sleep_until(keeper.books.instant(until));
        (Between::at(until), sleep)
    };
    let due = keeper.books.moment(sleep.deadline());
    let sleep = Once::new(keeper, sleep, due);
    if !expected.contains(due) {
        let what = format!("its deadline is {due}, and was to be {expected:?}");
        sleep.keeper.fail(&what);
    }
    sleep
}

fn reset(sleep: &mut Once<Sleep>, length: i64) {
    let due = sleep.keeper.now() + sleep.keeper.dice.i64(0..length);
    reset_to(sleep, due);
}

fn reset_to(sleep: &mut Once<Sleep>, due: Moment) {
    sleep.due = due;
    let deadline = sleep.keeper.books.instant(due);
    sleep.future.as_mut().reset(deadline);
    sleep.keeper.reset(due);
}

/// Waits for it; resets it once it waits, often for what is far away, and does not poll it again: the
/// wake-up must come by itself.
async fn reset_meanwhile(sleep: &mut Once<Sleep>, length: i64) {
    if sleep.keeper.chance(50) {
        reset_to(sleep, sleep.keeper.now() + FAR);
    }
    let mut was_reset = false;
    poll_fn(|cx| {
        let polled = sleep.poll(cx);
        if polled.is_pending() && !was_reset {
            was_reset = true;
            reset(sleep, length);
            sleep.wait();
        }
        polled
    })
    .await;
}
