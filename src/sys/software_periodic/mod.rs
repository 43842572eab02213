//! A periodic timer in software, where the kernel's periodic timers do not keep time or there are none: a one-shot
//! alarm is rearmed for each expiration, and the clock gives the count that the kernel would.

#[cfg(software_periodic)]
mod alarms;
mod counter;
#[cfg(software_periodic)]
mod periodic;

#[cfg(software_periodic)]
pub(crate) use periodic::SoftwarePeriodic;
