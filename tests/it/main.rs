//! The product whole, told as stories. Each module is one story; each drives the real
//! programs as processes.

mod access;
mod bad_input;
mod bus_faults;
mod clock;
mod closing;
mod command_line;
mod disk_full;
mod fail_points;
mod fleet;
mod kills;
mod listen;
mod lives;
mod mail;
mod network;
mod outside;
mod portal;
mod power_cuts;
mod protocol;
mod slaves;
mod sync_model;
mod third_gateway;
mod tidy;
mod transports;
mod verify;
mod wire_to_invoice;
