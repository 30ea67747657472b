#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        Terms {
            effective_from: jiff::civil::date(2026, 1, 1),
            zone: Zone::new("America/Tijuana").unwrap(),
            cutoff_day: 31,
            price: Decimal::new(350, 2),
            currency: "MXN".parse().unwrap(),
            minimum: Decimal::ZERO,
            send_hour: 7,
        }
    }

    #[test]
    fn terms_out_of_bounds_say_which_and_what_is_allowed() {
        assert!(Plan::new(terms()).is_ok());
        let wrong = [
            (
                Terms {
                    cutoff_day: 32,
                    ..terms()
                },
                "cutoff day is 32: choose 1 to 31",
            ),
            (
                Terms {
                    cutoff_day: 0,
                    ..terms()
                },
                "cutoff day is 0",
            ),
            (
                Terms {
                    price: Decimal::new(-1, 2),
                    ..terms()
                },
                "price is -0.01",
            ),
            (
                Terms {
                    price: Decimal::new(1, 7),
                    ..terms()
                },
                "more than 6 decimals",
            ),
            (
                Terms {
                    minimum: Decimal::NEGATIVE_ONE,
                    ..terms()
                },
                "minimum consumption is -1",
            ),
            (
                Terms {
                    send_hour: 24,
                    ..terms()
                },
                "send hour is 24",
            ),
        ];
        for (terms, message) in wrong {
            let error = Plan::new(terms).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_zone_that_does_not_exist_is_named() {
        let error = Zone::new("America/Tijuanna").unwrap_err().to_string();
        assert!(error.contains("America/Tijuanna"), "{error}");
    }
}
