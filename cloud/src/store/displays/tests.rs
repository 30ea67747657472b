//! Stories of answers about a display.

use common::quantity::Quantity;
use common::unit::Unit;
use jiff::SignedDuration;

use super::super::testing::{on_both_engines, start};
use super::*;
use crate::billing::sample::number;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_answer_is_kept_once_and_another_beside_it() {
    on_both_engines(async |store| {
        let (account, meter) = (AccountId(1), MeterId(9));
        let yes = DisplayCheck {
            person: PersonId(7),
            manages: false,
            device: DeviceId(4),
            register: Quantity::new(number("12690.40"), Unit::KiloWh).unwrap(),
            read_at: start(),
            shown: None,
            answered_at: start() + SignedDuration::from_mins(1),
            agrees: true,
        };
        let no = DisplayCheck {
            shown: Some(number("8812.70")),
            agrees: false,
            answered_at: start() + SignedDuration::from_mins(2),
            ..yes.clone()
        };
        let again = DisplayCheck {
            answered_at: start() + SignedDuration::from_mins(3),
            ..no.clone()
        };
        let mut t = store.write().await.unwrap();
        assert!(t.keep_display_check(account, meter, &yes).await.unwrap());
        assert!(t.keep_display_check(account, meter, &no).await.unwrap());
        // A double click.
        assert!(!t.keep_display_check(account, meter, &again).await.unwrap());
        let found = t.display_checks(account, meter, 9).await.unwrap();
        assert_eq!(found, [no.clone(), yes.clone()]);
        let newest = t.display_checks(account, meter, 1).await.unwrap();
        assert_eq!(newest, found[..1]);
        assert_eq!(t.display_checks(AccountId(2), meter, 9).await.unwrap(), []);
        for (since, expected) in [(start(), 2), (no.answered_at, 1), (again.answered_at, 0)] {
            let count = t.display_checks_since(account, meter, since).await;
            assert_eq!(count.unwrap(), expected);
        }
        t.commit().await.unwrap();
    })
    .await;
}
