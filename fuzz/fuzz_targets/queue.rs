//! The deadline queue against a sorted map: any operations, in any order.
#![no_main]

use libfuzzer_sys::arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use tokio_osinterval::fuzz::{Op, behaves_as_a_sorted_map};

#[derive(Debug)]
struct Program(Vec<Op>);

impl<'a> Arbitrary<'a> for Program {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let mut ops = Vec::new();
        while !bytes.is_empty() {
            ops.push(op(bytes)?);
        }
        Ok(Self(ops))
    }
}

fn op(bytes: &mut Unstructured<'_>) -> Result<Op> {
    let kind = bytes.int_in_range(0_u8..=13)?;
    match kind {
        0 | 1 => return Ok(Op::Join),
        2 => return Ok(Op::PopDue(moment(bytes)?)),
        3 => return Ok(Op::PopAllDue(moment(bytes)?)),
        4 => return Ok(Op::Count(bytes.arbitrary()?, moment(bytes)?)),
        // So many that some are in the wheel, and seldom that the horizon comes back.
        5 => {
            let many = bytes.int_in_range(0..=300)?;
            return Ok(Op::Crowd(many, moment(bytes)?, moment(bytes)?));
        }
        _ => {}
    }
    let seat = usize::from(bytes.arbitrary::<u16>()?);
    Ok(match kind {
        6 => Op::Leave(seat),
        7 => Op::Cancel(seat),
        8 => Op::Postpone(seat, moment(bytes)?, moment(bytes)?),
        9 => Op::PutOff(seat, moment(bytes)?),
        10 => Op::Disperse(bytes.int_in_range(0..=300)?, seat),
        _ => Op::Wait(seat, moment(bytes)?, moment(bytes)?, moment(bytes)?),
    })
}

/// Mostly one of few, so that many are equal, or in any slot of the wheel.
fn moment(bytes: &mut Unstructured<'_>) -> Result<u64> {
    let few = bytes.arbitrary::<u8>()?;
    match few {
        0..0x80 => Ok(u64::from(few % 32)),
        0x80..0xE0 => Ok(u64::from(few % 32) << bytes.int_in_range(0_u32..=63)?),
        _ => bytes.arbitrary(),
    }
}

fuzz_target!(|program: Program| behaves_as_a_sorted_map(program.0));
