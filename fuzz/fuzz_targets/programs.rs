//! Runs random programs with tokio's timers and with this crate's, and compares what they do.
#![no_main]

use libfuzzer_sys::arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use tokio::time::MissedTickBehavior::{Burst, Delay, Skip};

#[path = "../../tests/differential/compare.rs"]
mod compare;
#[path = "../../tests/differential/program.rs"]
mod program;

use program::{Inner, Op, SLOTS};

/// The length of the longest program, as in the property tests.
const MAX_OPS: usize = 50;

#[derive(Debug)]
struct Program(Vec<Op>);

impl<'a> Arbitrary<'a> for Program {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let mut ops = Vec::new();
        while !bytes.is_empty() && ops.len() < MAX_OPS {
            ops.push(op(bytes)?);
        }
        Ok(Self(ops))
    }
}

fn op(bytes: &mut Unstructured<'_>) -> Result<Op> {
    let kind = bytes.int_in_range(0_u8..=15)?;
    match kind {
        0 => return Ok(Op::Advance(millis(bytes)?)),
        1 => return Ok(Op::Wait(millis(bytes)?)),
        _ => {}
    }
    let slot = bytes.int_in_range(0..=SLOTS - 1)?;
    Ok(match kind {
        2 => Op::Interval {
            slot,
            start: bytes.int_in_range(-100..=100)?,
            period: bytes.int_in_range(5..=200)?,
        },
        3 => Op::Sleep {
            slot,
            after: bytes.int_in_range(-20..=100)?,
        },
        4 => Op::Timeout {
            slot,
            after: bytes.int_in_range(-20..=100)?,
            inner: match bytes.int_in_range(0_u8..=3)? {
                0 => Inner::Never,
                1 => Inner::Ready,
                2 => Inner::After(bytes.int_in_range(0..=80)?),
                _ => Inner::Sent,
            },
        },
        5 => Op::Drop { slot },
        6 => Op::Reset { slot },
        7 => Op::ResetImmediately { slot },
        8 => Op::ResetAfter {
            slot,
            after: bytes.int_in_range(0..=100)?,
        },
        9 => Op::ResetAt {
            slot,
            offset: bytes.int_in_range(-100..=200)?,
        },
        10 => Op::SetBehavior {
            slot,
            behavior: *bytes.choose(&[Burst, Delay, Skip])?,
        },
        11 => Op::Send { slot },
        12 => Op::Spawn {
            slot,
            ticks: bytes.int_in_range(1..=5)?,
        },
        _ => Op::Poll {
            slot,
            waker: bytes.arbitrary()?,
        },
    })
}

/// Returns a number of milliseconds, mostly a small one.
fn millis(bytes: &mut Unstructured<'_>) -> Result<u16> {
    if bytes.ratio(1_u8, 8_u8)? {
        bytes.int_in_range(0..=3_000)
    } else {
        bytes.int_in_range(0..=60)
    }
}

fuzz_target!(|program: Program| {
    if let Err(difference) = compare::compare(program.0) {
        panic!("{difference}");
    }
});
