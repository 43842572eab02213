//! Whether the clock of a runtime can be paused: tokio has `test-util`, whoever asked for it.

/// Of the same name as what tokio has only then. It stands further out than an import within a block, which
/// goes before it, if there is anything to import.
#[allow(non_upper_case_globals, reason = "tokio's is a function")]
#[allow(dead_code, reason = "where tokio has one")]
const pause: [u8; 1] = [0];

pub(super) const PAUSABLE: bool = {
    #[allow(unused_imports, reason = "where tokio has none")]
    #[allow(clippy::wildcard_imports, reason = "of what may not be there")]
    use tokio::time::*;
    // A function's own type has no size.
    size_of_val(&pause) == 0
};

#[cfg(test)]
mod tests {
    use super::PAUSABLE;

    /// What a dev-dependency asks for, production's tests would have as well, and so test another alarm.
    #[test]
    fn the_tests_have_no_clock_to_pause_but_with_test_util() {
        assert_eq!(PAUSABLE, cfg!(feature = "test-util"));
    }
}
