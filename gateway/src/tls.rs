//! TLS as this program speaks it: ring as the one provider, which builds without a C toolchain
//! of its own on every Pi, and certificates judged by the time that is believed.
//!
//! A machine without a battery wakes in 1970, when no certificate was valid yet, and often
//! learns the time from nobody but the cloud behind that certificate. So while the time is
//! not known, a chain is good if there is an instant, from the floor of the clock on, at
//! which all of it is valid. What that costs, said plainly: in that state, and only then, a
//! certificate is accepted that was valid at the floor or later and has expired since. Who
//! holds the key of such a one *and* stands in between gets the gateway's token, and can set
//! its clock to any instant after the floor; name, issuer and signature are checked all the
//! same. The floor is the newest instant in the buffer, so that the window is the time that
//! the machine was off or offline.

use std::sync::Arc;
use std::time::Duration;

use common::reading::ClockTrust;
use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::clock::Clock;

/// Certificates of a chain that may each begin later than the one before.
const CHAIN_MAX: usize = 8;
/// The versions of HTTP that are offered, the best first.
const HTTP: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Makes ring the provider of everything that speaks TLS here; a second call changes nothing.
pub fn install() {
    // An error says that one is installed already, which is what we want.
    let _ = ring::default_provider().install_default();
}

/// How to speak TLS as a client, with the authorities that this machine trusts.
///
/// # Errors
/// When they cannot be read.
pub fn client(clock: Clock) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let authorities = Arc::new(Verifier::new(Arc::clone(&provider))?);
    let verifier = Arc::new(ByBelievedTime { authorities, clock });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = HTTP.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

/// Judges certificates as the machine's authorities do, but by the program's clock.
#[derive(Debug)]
struct ByBelievedTime {
    authorities: Arc<Verifier>,
    clock: Clock,
}

impl ServerCertVerifier for ByBelievedTime {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let is_known = self.clock.trust() != ClockTrust::Untrusted;
        verify_from(unix(self.clock.earliest()), is_known, |at| {
            let (name, ocsp) = (server_name, ocsp_response);
            self.authorities
                .verify_server_cert(end_entity, intermediates, name, ocsp, at)
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

/// Verifies at `earliest`; when that is not the time but what it is at least, also at the
/// later instants at which certificates of the chain begin to be valid.
fn verify_from<T>(
    earliest: UnixTime,
    is_known: bool,
    verify: impl Fn(UnixTime) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut at = earliest;
    for _ in 0..CHAIN_MAX {
        match verify(at) {
            Err(Error::InvalidCertificate(CertificateError::NotValidYetContext {
                not_before,
                ..
            })) if !is_known && not_before > at => at = not_before,
            judged => return judged,
        }
    }
    verify(at)
}

fn unix(at: Timestamp) -> UnixTime {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges a chain of certificates, each valid from one second to another.
    fn judge(chain: &[(u64, u64)], at: UnixTime) -> Result<u64, Error> {
        let unix = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        for (from, until) in chain {
            let wrong = if at < unix(*from) {
                CertificateError::NotValidYetContext {
                    time: at,
                    not_before: unix(*from),
                }
            } else if at > unix(*until) {
                CertificateError::ExpiredContext {
                    time: at,
                    not_after: unix(*until),
                }
            } else {
                continue;
            };
            return Err(Error::InvalidCertificate(wrong));
        }
        Ok(at.as_secs())
    }

    #[test]
    fn while_the_time_is_not_known_a_chain_is_good_that_can_be_valid() {
        // Name, chain, and the instant at which it is found good from 100 on; when the time
        // is 100 for certain; when it is 100 at least.
        type Case = (
            &'static str,
            &'static [(u64, u64)],
            Option<u64>,
            Option<u64>,
        );
        let table: [Case; 6] = [
            ("valid now", &[(50, 200), (0, 900)], Some(100), Some(100)),
            ("renewed since", &[(150, 240), (0, 900)], None, Some(150)),
            ("all renewed", &[(150, 240), (200, 900)], None, Some(200)),
            ("expired before", &[(10, 90), (0, 900)], None, None),
            (
                "never valid as a whole",
                &[(150, 240), (300, 900)],
                None,
                None,
            ),
            ("an expired authority", &[(50, 200), (0, 99)], None, None),
        ];
        let earliest = UnixTime::since_unix_epoch(Duration::from_secs(100));
        for (name, chain, known, unknown) in table {
            for (is_known, expected) in [(true, known), (false, unknown)] {
                let found = verify_from(earliest, is_known, |at| judge(chain, at));
                assert_eq!(found.ok(), expected, "{name}, known: {is_known}");
            }
        }
    }

    #[test]
    fn a_client_can_be_made() {
        client(Clock::real()).unwrap();
    }
}
