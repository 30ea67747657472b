//! The product whole, told as stories. Each module is one story; each drives the real
//! programs as processes.

mod command_line;
mod tidy;
