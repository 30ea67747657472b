//! The one TLS provider of the process: ring, which builds without a C toolchain of its own
//! on every Pi. Installed once, before the first connection.

/// Makes ring the provider of everything that speaks TLS here; a second call changes nothing.
pub fn install() {
    // An error says that one is installed already, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
