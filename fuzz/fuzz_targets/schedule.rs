//! Runs random steps on a schedule and checks it against its contract.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use tokio_osinterval::MissedTickBehavior;
use tokio_osinterval::fuzz::{Step, keeps_its_contract};

#[derive(Debug)]
struct Program {
    period: Duration,
    behavior: MissedTickBehavior,
    steps: Vec<Step>,
}

impl<'a> Arbitrary<'a> for Program {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let mut program = Self {
            period: period(bytes)?,
            behavior: behavior(bytes)?,
            steps: Vec::new(),
        };
        let mut current = program.period;
        while !bytes.is_empty() {
            let step = step(bytes, current)?;
            if let Step::SetPeriod(period) = step {
                current = period;
            }
            program.steps.push(step);
        }
        Ok(program)
    }
}

fn step(bytes: &mut Unstructured<'_>, current_period: Duration) -> Result<Step> {
    Ok(match bytes.int_in_range(0_u8..=8)? {
        0 => Step::SetPeriod(period(bytes)?),
        1 => Step::SetBehavior(behavior(bytes)?),
        2 => Step::SetDeadline(duration(bytes)?),
        3 => Step::Tick {
            late: near_a_multiple(current_period, bytes)?,
            tolerance: Duration::ZERO,
        },
        4 => Step::Tick {
            late: duration(bytes)?,
            tolerance: Duration::ZERO,
        },
        5 => {
            let per = period(bytes)?;
            let max = u64::try_from(per.as_nanos()).unwrap_or(u64::MAX);
            Step::SetRate(bytes.int_in_range(1..=max)?, per)
        }
        _ => Step::Tick {
            late: duration(bytes)?,
            tolerance: duration(bytes)?,
        },
    })
}

fn behavior(bytes: &mut Unstructured<'_>) -> Result<MissedTickBehavior> {
    Ok(*bytes.choose(&[
        MissedTickBehavior::Burst,
        MissedTickBehavior::Delay,
        MissedTickBehavior::Skip,
    ])?)
}

/// Returns a period that is not zero: a schedule panics for zero, as documented.
fn period(bytes: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(duration(bytes)?.max(Duration::from_nanos(1)))
}

/// Returns a duration of any order of magnitude, or one next to the threshold of a missed tick.
fn duration(bytes: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(match bytes.int_in_range(0_u8..=5)? {
        0 => Duration::from_nanos(bytes.arbitrary::<u8>()?.into()),
        1 => Duration::from_nanos(bytes.arbitrary::<u32>()?.into()),
        2 => Duration::from_nanos(bytes.arbitrary()?),
        3 => Duration::from_millis(bytes.arbitrary::<u8>()?.into()),
        4 => Duration::from_nanos(bytes.int_in_range(4_999_990_u64..=5_000_010)?),
        _ => Duration::new(bytes.arbitrary()?, bytes.int_in_range(0..=999_999_999)?),
    })
}

fn near_a_multiple(period: Duration, bytes: &mut Unstructured<'_>) -> Result<Duration> {
    let multiple = period.saturating_mul(bytes.arbitrary::<u8>()?.into());
    let offset = Duration::from_nanos(bytes.int_in_range(0_u64..=2)?);
    Ok(multiple
        .saturating_add(offset)
        .saturating_sub(Duration::from_nanos(1)))
}

fuzz_target!(|program: Program| keeps_its_contract(
    program.period,
    program.behavior,
    program.steps
));
