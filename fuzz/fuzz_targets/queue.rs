//! Runs random operations on the deadline queue and checks it against a sorted map.
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
    let kind = bytes.int_in_range(0_u8..=14)?;
    match kind {
        0 | 1 => return Ok(Op::Alloc),
        2 => return Ok(Op::PopDue(timestamp(bytes)?)),
        3 => return Ok(Op::PopAllDue(timestamp(bytes)?)),
        4 => return Ok(Op::Count(bytes.arbitrary()?, timestamp(bytes)?)),
        // Enough timers to use the wheel, and sometimes enough to spill the heap.
        5 => {
            let count = bytes.int_in_range(0..=300)?;
            return Ok(Op::InsertMany(count, timestamp(bytes)?, timestamp(bytes)?));
        }
        _ => {}
    }
    let slot = usize::from(bytes.arbitrary::<u16>()?);
    Ok(match kind {
        6 => Op::Free(slot),
        7 => Op::Remove(slot),
        8 => Op::Reset(slot, timestamp(bytes)?, timestamp(bytes)?),
        9 => Op::Reschedule(slot, timestamp(bytes)?),
        10 => Op::Replace(slot, timestamp(bytes)?),
        11 => Op::FreeMany(bytes.int_in_range(0..=300)?, slot),
        _ => Op::Insert(
            slot,
            timestamp(bytes)?,
            timestamp(bytes)?,
            timestamp(bytes)?,
        ),
    })
}

/// Returns mostly one of a few timestamps, so that many are equal, or one in any bucket of the wheel.
fn timestamp(bytes: &mut Unstructured<'_>) -> Result<u64> {
    let byte = bytes.arbitrary::<u8>()?;
    match byte {
        0..0x80 => Ok(u64::from(byte % 32)),
        0x80..0xE0 => Ok(u64::from(byte % 32) << bytes.int_in_range(0_u32..=63)?),
        _ => bytes.arbitrary(),
    }
}

fuzz_target!(|program: Program| behaves_as_a_sorted_map(program.0));
