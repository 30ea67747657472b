//! Stories of invoices.
