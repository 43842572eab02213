//! Finds out whether a runtime's `Sleep` works.

use tokio::runtime::Handle;

use super::catch_disabled;
use super::sleep_alarm::SleepAlarm;

/// Must run before tokio's timer can replace the kernel's.
#[derive(Debug)]
pub(crate) struct SleepProbe(pub(super) Handle);

impl SleepProbe {
    /// Returns `true` if the runtime has a time driver.
    ///
    /// Call it without a lock: tokio answers with a panic, and the panic hook is foreign code.
    pub(crate) fn run(self) -> bool {
        catch_disabled(|| {
            let _context = self.0.enter();
            Ok(SleepAlarm::new(&self.0))
        })
        .is_ok()
    }
}
