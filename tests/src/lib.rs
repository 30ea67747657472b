//! The harness: the real programs as processes, and everything around them that a building
//! and the outside world would provide.
//!
//! `cargo demo` and the tests drive the product through it, and only through what a person
//! or a device has: command lines, forms, mails, messages, the line. It never writes into a
//! program's database; it reads them for the oracle alone.

pub mod browser;
pub mod building;
pub mod cloud;
pub mod demo;
pub mod disk;
pub mod figures;
pub mod form;
pub mod gateway;
pub mod mailbox;
pub mod mailbox_page;
pub mod oracle;
pub mod party_line;
pub mod portal;
pub mod postgres;
pub mod process;
pub mod program;
pub mod proxy;
pub mod set_clock;
pub mod telegram;
pub mod test_clock;
pub mod world;
