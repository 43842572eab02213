//! Detects whether tokio has `test-util`, so that the clock of a runtime can be paused. Another dependency may
//! have enabled it.

/// Has the name of a function that tokio exports only under `test-util`. In a block, a glob import of that
/// function takes precedence over this item.
#[allow(non_upper_case_globals, reason = "has the name of tokio's function")]
#[allow(
    dead_code,
    reason = "tokio's `pause`, if there is one, takes its place"
)]
const pause: [u8; 1] = [0];

/// `true` if tokio's clock can be paused.
pub(in crate::sys) const PAUSABLE: bool = {
    #[allow(
        unused_imports,
        reason = "without `test-util` there is no `pause` to import"
    )]
    #[allow(clippy::wildcard_imports, reason = "a named import must exist")]
    use tokio::time::*;
    // The type of a function item has size zero.
    size_of_val(&pause) == 0
};

#[cfg(test)]
mod tests {
    use super::PAUSABLE;

    /// A dev-dependency that enabled tokio's `test-util` would make the tests run on another alarm than
    /// production's.
    #[test]
    fn clock_is_pausable_only_with_test_util() {
        assert_eq!(PAUSABLE, cfg!(feature = "test-util"));
    }
}
