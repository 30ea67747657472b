//! Enervue's cloud: keeps the readings, makes the invoices, delivers them.
//!
//! Inside: `main` → `cli` → `run` (wiring) → adapters → core. The core takes values and
//! `now` and returns values; it does no IO and reads no clock. Each outside thing has one
//! module: the databases [`store`].
//!
//! What holds throughout: a reading is never changed; an issued invoice is never changed;
//! whatever is due is done once, however often the job that does it runs; what is not
//! yours does not exist for you.

// The core: the product's promises.
pub mod access;
pub mod account;
pub mod billing;
pub mod chart;
pub mod currency;
pub mod format;
pub mod ingest;
pub mod name;
pub mod notice;
pub mod plan;
pub mod proof;
pub mod site;
pub mod text;

// The adapters: one place for each outside thing.
pub mod api;
pub mod bell;
pub mod clock;
pub mod config;
pub mod contact;
pub mod control;
pub mod document;
pub mod excel;
mod extras;
pub mod issuer;
pub mod mail;
pub mod metrics;
pub mod origin;
pub mod portal;
pub mod secret;
pub mod store;
pub mod telegram;

// What happens by itself.
pub mod jobs;
pub(crate) mod metered;

// What people ask for.
pub(crate) mod correction;
pub(crate) mod explained;

// What the operator types, and what it does.
pub mod cli;
pub mod command;

// The wiring.
pub mod run;
