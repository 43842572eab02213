//! Runs a MIDI clock of 24 pulses per beat. The tempo changes from beat to beat, without a jump.
//!
//! ```text
//! cargo run --release --example metronome -- [BEATS] [FROM_BPM] [TO_BPM]
//! cargo run --release --example metronome -- 16 120 180
//! ```

mod support;

use std::time::Duration;

use support::{Arguments, Lateness};
use tokio_osinterval::{OsInterval, Precision};

const PULSES_PER_BEAT: u32 = 24;
/// A MIDI cable cannot carry a much faster clock.
const MAX_BPM: u64 = 1000;

fn main() {
    let mut arguments = Arguments::new(
        "A MIDI clock whose tempo changes from beat to beat, without a jump.",
        "metronome [BEATS] [FROM_BPM] [TO_BPM]",
    );
    let beats = arguments.count("BEATS", 8);
    let from = arguments.count("FROM_BPM", 120);
    let to = arguments.count("TO_BPM", 180);
    arguments.finish();
    if from.max(to) > MAX_BPM {
        support::fail(&format!("FROM_BPM and TO_BPM must be at most {MAX_BPM}"));
    }
    if let Err(error) = run(beats, from, to) {
        support::fail(&format!("no timer: {error}"));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(beats: u64, from: u64, to: u64) -> std::io::Result<()> {
    let mut clock = OsInterval::builder(pulse(from))
        .precision(Precision::Spin)
        .build()?;
    let mut lateness = Lateness::new();
    let mut last = None;
    for beat in 0..beats {
        // Linear, from `from` at the first beat to `to` at the last.
        let part = |tempo: u64, beats_away: u64| tempo * beats_away / (beats - 1).max(1);
        let tempo = part(from, beats - 1 - beat) + part(to, beat);
        let tempo = if beats == 1 { from } else { tempo };
        // The next pulse keeps its deadline, and those after it have the new tempo.
        clock.set_period(pulse(tempo));
        for n in 0..PULSES_PER_BEAT {
            let deadline = clock.tick().await;
            lateness.record(deadline.elapsed());
            // A real MIDI clock would send 0xF8 here.
            if n == 0 {
                match last.replace(deadline) {
                    Some(last) => println!(
                        "beat {:>3}: {tempo} bpm; the last beat took {:?}",
                        beat + 1,
                        deadline - last
                    ),
                    None => println!("beat {:>3}: {tempo} bpm", beat + 1),
                }
            }
        }
    }
    println!("pulses late: {lateness}");
    Ok(())
}

fn pulse(beats_per_minute: u64) -> Duration {
    Duration::from_nanos(60_000_000_000 / beats_per_minute) / PULSES_PER_BEAT
}
