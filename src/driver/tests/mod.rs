//! Tests of the driver as a whole.

#[cfg(not(model))]
mod counting_waker;
#[cfg(model)]
mod loom;
#[cfg(not(model))]
mod real_kernel;
#[cfg(not(model))]
mod shared_writes;
#[cfg(not(model))]
mod simulated_kernel;
