//! Throttle: how often somebody may try to sign in, for each address and for each account
//! that is tried, and let invoices be checked. It counts in this process only; a second node
//! counts for itself.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Tries in a row for one e-mail address, then one a minute.
const TRIES_FOR_EMAIL: u32 = 10;
const PAUSE_FOR_EMAIL: Duration = Duration::from_secs(60);
/// Tries in a row from one network address, then one in six seconds: many people may share
/// an address.
const TRIES_FROM_ADDRESS: u32 = 40;
const PAUSE_FROM_ADDRESS: Duration = Duration::from_secs(6);
/// Invoices in a row that one network address lets be checked, then one in two seconds: each
/// is as much work as a page and as many signatures as a month has days.
const CHECKS_FROM_ADDRESS: u32 = 60;
const PAUSE_OF_CHECKS: Duration = Duration::from_secs(2);
/// Keys kept before those that are free again are forgotten.
const KEYS_MAX: usize = 10_000;

/// Counts the tries.
#[derive(Debug)]
pub(crate) struct Throttle {
    by_email: DefaultKeyedRateLimiter<String>,
    by_address: DefaultKeyedRateLimiter<IpAddr>,
    checks: DefaultKeyedRateLimiter<IpAddr>,
}

impl Throttle {
    /// Nobody has tried yet.
    pub(crate) fn new() -> Self {
        let quota = |pause: Duration, tries: u32| {
            let tries = NonZeroU32::new(tries).unwrap_or(NonZeroU32::MIN);
            Quota::with_period(pause)
                .unwrap_or(Quota::per_minute(tries))
                .allow_burst(tries)
        };
        Self {
            by_email: RateLimiter::keyed(quota(PAUSE_FOR_EMAIL, TRIES_FOR_EMAIL)),
            by_address: RateLimiter::keyed(quota(PAUSE_FROM_ADDRESS, TRIES_FROM_ADDRESS)),
            checks: RateLimiter::keyed(quota(PAUSE_OF_CHECKS, CHECKS_FROM_ADDRESS)),
        }
    }

    /// Counts a try; whether it may go on.
    pub(crate) fn admit(&self, email: &str, address: Option<IpAddr>) -> bool {
        self.forget_the_free();
        let from_here = address.is_none_or(|address| self.by_address.check_key(&address).is_ok());
        from_here && self.by_email.check_key(&email.to_lowercase()).is_ok()
    }

    /// Counts an invoice that somebody there lets be checked; whether it is.
    pub(crate) fn admit_check(&self, address: Option<IpAddr>) -> bool {
        self.forget_the_free();
        address.is_none_or(|address| self.checks.check_key(&address).is_ok())
    }

    fn forget_the_free(&self) {
        if self.checks.len() > KEYS_MAX {
            self.checks.retain_recent();
        }
        if self.by_email.len() > KEYS_MAX {
            self.by_email.retain_recent();
        }
        if self.by_address.len() > KEYS_MAX {
            self.by_address.retain_recent();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_run_out_for_an_account_and_for_an_address_apart() {
        let throttle = Throttle::new();
        let here = Some(IpAddr::from([192, 0, 2, 1]));
        for _ in 0..TRIES_FOR_EMAIL {
            assert!(throttle.admit("Ana@example.com", here));
        }
        assert!(!throttle.admit("ana@example.com", here));
        assert!(throttle.admit("luis@example.com", here));
        let tries = (0..TRIES_FROM_ADDRESS)
            .filter(|n| throttle.admit(&format!("{n}@example.com"), here))
            .count();
        assert!(tries < 30, "{tries}");
        assert!(throttle.admit("eva@example.com", Some(IpAddr::from([192, 0, 2, 2]))));
    }

    #[test]
    fn checks_run_out_for_an_address_and_take_no_sign_in_away() {
        let throttle = Throttle::new();
        let here = Some(IpAddr::from([192, 0, 2, 1]));
        let checks = (0..2 * CHECKS_FROM_ADDRESS).filter(|_| throttle.admit_check(here));
        assert!(checks.count() < 70);
        assert!(throttle.admit_check(Some(IpAddr::from([192, 0, 2, 2]))));
        assert!(throttle.admit("ana@example.com", here));
    }
}
