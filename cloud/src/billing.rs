//! The bill: pure rules from registers and plans to an invoice, or to the reason why there
//! is none.

pub mod invoice;
