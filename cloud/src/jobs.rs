//! What is done without anybody asking: each job in a file of its own, idempotent, so that
//! running one twice, or on two machines at once, does what running it once does.

pub mod close_periods;
pub mod watch_silence;
