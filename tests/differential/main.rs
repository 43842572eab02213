//! Random programs do the same with tokio's timers and with ours, under a paused clock: they have the same
//! results, and the same wake-ups in the same order.
//!
//! `PROPTEST_CASES` sets the number of programs, and `PROPTEST_RNG_SEED` the seed, which is printed.
//!
//! Periods are 5 ms or longer: below that the threshold of a missed tick is a documented difference.
#![cfg(feature = "test-util")]

// The path lets `compare` find its own modules from fuzz/ as well.
#[path = "compare.rs"]
mod compare;
mod program;
#[path = "../support/mod.rs"]
mod support;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use tokio::time::MissedTickBehavior::{Burst, Delay, Skip};

use program::{Inner, Op, SLOTS};
use support::Watchdog;

fn op() -> impl Strategy<Value = Op> {
    let slot = 0..SLOTS;
    let inner = prop_oneof![
        Just(Inner::Never),
        Just(Inner::Ready),
        (0_u16..80).prop_map(Inner::After),
        Just(Inner::Sent),
    ];
    prop_oneof![
        4 => (slot.clone(), -100_i16..100, 5_u16..200)
            .prop_map(|(slot, start, period)| Op::Interval { slot, start, period }),
        4 => (slot.clone(), -20_i16..100).prop_map(|(slot, after)| Op::Sleep { slot, after }),
        4 => (slot.clone(), -20_i16..100, inner)
            .prop_map(|(slot, after, inner)| Op::Timeout { slot, after, inner }),
        1 => slot.clone().prop_map(|slot| Op::Drop { slot }),
        12 => (slot.clone(), any::<u8>()).prop_map(|(slot, waker)| Op::Poll { slot, waker }),
        1 => slot.clone().prop_map(|slot| Op::Reset { slot }),
        1 => slot.clone().prop_map(|slot| Op::ResetImmediately { slot }),
        1 => (slot.clone(), 0_u16..100).prop_map(|(slot, after)| Op::ResetAfter { slot, after }),
        3 => (slot.clone(), -100_i16..200).prop_map(|(slot, offset)| Op::ResetAt { slot, offset }),
        2 => (slot.clone(), prop_oneof![Just(Burst), Just(Delay), Just(Skip)])
            .prop_map(|(slot, behavior)| Op::SetBehavior { slot, behavior }),
        2 => slot.clone().prop_map(|slot| Op::Send { slot }),
        2 => (slot, 1_u8..6).prop_map(|(slot, ticks)| Op::Spawn { slot, ticks }),
        6 => (0_u16..60).prop_map(Op::Advance),
        1 => (0_u16..3_000).prop_map(Op::Advance),
        4 => (0_u16..60).prop_map(Op::Wait),
        1 => (0_u16..3_000).prop_map(Op::Wait),
    ]
}

#[test]
#[cfg_attr(
    threadpool,
    ignore = "a thread of the system wakes at any time, and knows no paused clock"
)]
fn random_programs_do_the_same_as_with_tokio() {
    let mut config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 1_000;
    }
    if let RngSeed::Random = config.rng_seed {
        let since_1970 = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        config.rng_seed = RngSeed::Fixed(u64::try_from(since_1970.as_nanos()).unwrap());
    }
    let RngSeed::Fixed(seed) = config.rng_seed else {
        unreachable!("the seed is fixed above")
    };
    let programs = config.cases;
    println!("covered: {programs} programs, PROPTEST_RNG_SEED={seed}");
    let mut runner = TestRunner::new(config);
    let result = runner.run(&prop::collection::vec(op(), 1..50), |program| {
        let _watchdog = Watchdog::new();
        compare::compare(program).map_err(TestCaseError::fail)
    });
    if let Err(failure) = result {
        panic!("{failure}\nPROPTEST_RNG_SEED={seed}");
    }
}
