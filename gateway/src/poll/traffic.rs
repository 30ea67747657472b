//! What became of the requests to a device, for whoever looks for the cause of a fault. Pure.

use common::sync::DeviceTraffic;

use crate::bus::{BusError, Fault};

/// Counts one request and what came of it. What was never sent is none.
pub(super) fn count(traffic: &mut DeviceTraffic, answer: &Result<Vec<u16>, BusError>) {
    let fault = match answer {
        Ok(_) => None,
        Err(error) if error.fault.is_ours() => return,
        Err(error) => Some(&error.fault),
    };
    traffic.requests += 1;
    let kind = match fault {
        None => &mut traffic.answers,
        Some(Fault::Exception(_)) => &mut traffic.exceptions,
        Some(Fault::Silence { .. } | Fault::OnlyEcho) => &mut traffic.timeouts,
        Some(_) => &mut traffic.damaged,
    };
    *kind += 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_request_that_was_sent_is_counted_under_one_kind() {
        let waited = Duration::from_secs(1);
        // Requests, answers, timeouts, damaged, exceptions.
        let table = [
            (None, [1, 1, 0, 0, 0]),
            (Some(Fault::Silence { waited }), [1, 0, 1, 0, 0]),
            (Some(Fault::OnlyEcho), [1, 0, 1, 0, 0]),
            (Some(Fault::Garbled), [1, 0, 0, 1, 0]),
            (Some(Fault::CutShort { bytes: 3 }), [1, 0, 0, 1, 0]),
            (Some(Fault::WrongUnit { got: 9 }), [1, 0, 0, 1, 0]),
            (Some(Fault::InDoubt), [1, 0, 0, 1, 0]),
            (Some(Fault::Exception(2)), [1, 0, 0, 0, 1]),
            (Some(Fault::NeverSilent), [0; 5]),
            (Some(Fault::Port(String::new())), [0; 5]),
            (Some(Fault::ForeignMaster(String::new())), [0; 5]),
        ];
        for (fault, expected) in table {
            let answer = match fault {
                None => Ok(vec![1]),
                Some(fault) => Err(BusError {
                    bus: "main".to_owned(),
                    unit: 1,
                    fault,
                    others_answer: false,
                }),
            };
            let mut traffic = DeviceTraffic::default();
            count(&mut traffic, &answer);
            let DeviceTraffic {
                requests,
                answers,
                timeouts,
                damaged,
                exceptions,
            } = traffic;
            let found = [requests, answers, timeouts, damaged, exceptions];
            assert_eq!(found, expected, "{answer:?}");
        }
    }
}
