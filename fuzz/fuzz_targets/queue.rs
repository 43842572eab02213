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
    let kind = bytes.int_in_range(0_u8..=7)?;
    if kind <= 1 {
        return Ok(Op::Join);
    }
    if kind == 2 {
        return Ok(Op::PopDue(moment(bytes)?));
    }
    let seat = usize::from(bytes.arbitrary::<u16>()?);
    Ok(match kind {
        3 => Op::Leave(seat),
        4 => Op::Cancel(seat),
        5 => Op::Postpone(seat, moment(bytes)?, moment(bytes)?),
        _ => Op::Wait(seat, moment(bytes)?, moment(bytes)?),
    })
}

/// Mostly one of few, so that many are equal.
fn moment(bytes: &mut Unstructured<'_>) -> Result<u64> {
    let few = bytes.arbitrary::<u8>()?;
    if few < 0xE0 {
        Ok(u64::from(few % 32))
    } else {
        bytes.arbitrary()
    }
}

fuzz_target!(|program: Program| behaves_as_a_sorted_map(program.0));
