//! `SleepProbe` of an alarm that never needs one: tokio's timer serves from the start, or never.

#[derive(Debug)]
pub(crate) enum SleepProbe {}

impl SleepProbe {
    pub(crate) fn run(self) -> bool {
        match self {}
    }
}
