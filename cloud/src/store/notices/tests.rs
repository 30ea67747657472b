//! Stories of notices.
