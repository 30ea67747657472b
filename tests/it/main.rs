//! The product whole, told as stories. Each module is one story; each drives the real
//! programs as processes.

mod access;
mod bad_input;
mod bus_faults;
mod command_line;
mod kills;
mod listen;
mod lives;
mod mail;
mod network;
mod outside;
mod portal;
mod slaves;
mod tidy;
mod transports;
mod wire_to_invoice;
