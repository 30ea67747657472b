//! Stories of the outbox and of silences.

use common::id::PersonId;
use jiff::{Timestamp, ToSpan};

use super::super::Transaction;
use super::super::testing::{World, new_meter, on_both_engines, start, world};
use super::Silence;
use crate::notice::{Channel, NewNotice, NoticeKind, NoticeState};
use crate::site::GatewayKind;

fn new_notice(world: &World, subject: &str, due_at: Timestamp) -> NewNotice {
    NewNotice {
        account: world.account,
        kind: NoticeKind::Invitation,
        meter: None,
        subject: subject.to_owned(),
        person: PersonId(5),
        channel: Channel::Email,
        content: "{}".to_owned(),
        due_at,
    }
}

async fn put(t: &mut Transaction, notice: &NewNotice) -> bool {
    t.add_notice(notice, start()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_put_in_once_and_claimed_by_one_at_a_time() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Gateway).await;
        let now = start();
        assert!(put(&mut t, &new_notice(&world, "a", now)).await);
        assert!(!put(&mut t, &new_notice(&world, "a", now)).await);
        assert!(put(&mut t, &new_notice(&world, "later", now + 1.hour())).await);
        assert_eq!(t.next_notice_due(now).await.unwrap(), Some(now + 1.hour()));
        t.commit().await.unwrap();

        let real = now + 400.hours();
        let mut t = store.write().await.unwrap();
        let claimed = t
            .claim_notices(Channel::Email, now, real, real + 1.minute(), 9)
            .await;
        let claimed = claimed.unwrap();
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].notice.new, new_notice(&world, "a", now));
        assert_eq!(claimed[0].notice.attempts, 1);
        let none = t
            .claim_notices(Channel::Email, now, real, real + 1.minute(), 9)
            .await;
        assert_eq!(none.unwrap(), []);

        // The lease ran out; the first sender comes back late.
        let real = real + 2.minutes();
        let second = t
            .claim_notices(Channel::Email, now, real, real + 1.minute(), 9)
            .await;
        let second = second.unwrap();
        assert_eq!(second[0].notice.attempts, 2);
        assert!(!t.notice_sent(&claimed[0], now).await.unwrap());
        assert!(t.notice_sent(&second[0], now).await.unwrap());
        assert!(!t.notice_sent(&second[0], now).await.unwrap());
        let all = t.notices(world.account, 9).await.unwrap();
        let sent = all
            .iter()
            .filter(|n| n.state == NoticeState::Sent { at: now });
        assert_eq!(sent.count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_tried_again_after_its_pause_or_given_up() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Gateway).await;
        let now = start();
        put(&mut t, &new_notice(&world, "a", now)).await;
        let lease = now + 1.minute();
        let claimed = t
            .claim_notices(Channel::Email, now, now, lease, 9)
            .await
            .unwrap();
        let pause = now + 5.minutes();
        assert!(t.notice_again(&claimed[0], "busy", pause).await.unwrap());
        assert_eq!(
            t.claim_notices(Channel::Email, now, lease, pause, 9)
                .await
                .unwrap(),
            []
        );
        let claimed = t
            .claim_notices(Channel::Email, now, pause, pause + 1.minute(), 9)
            .await;
        let claimed = claimed.unwrap();
        assert_eq!(claimed[0].notice.last_error.as_deref(), Some("busy"));
        assert!(t.notice_failed(&claimed[0], "unknown").await.unwrap());
        let ended = &t.notices(world.account, 9).await.unwrap()[0];
        assert_eq!(ended.state, NoticeState::Failed);
        assert_eq!(ended.last_error.as_deref(), Some("unknown"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_opens_once_and_ends_when_the_meter_records_again() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Gateway).await;
        let new = new_meter(&world, 1);
        let meter = t
            .register_meter(world.account, &new, None, start())
            .await
            .unwrap();
        let silence = Silence {
            account: world.account,
            meter: meter.id,
            since: meter.last_good_at,
        };
        let noticed = start() + 25.hours();
        assert_eq!(
            t.silent_meters(noticed, None, 9).await.unwrap(),
            std::slice::from_ref(&meter)
        );
        assert!(t.open_silence(&silence, noticed).await.unwrap());
        assert!(!t.open_silence(&silence, noticed).await.unwrap());
        assert_eq!(t.silent_meters(noticed, None, 9).await.unwrap(), []);
        assert_eq!(t.open_silences(world.account).await.unwrap(), [silence]);
        assert_eq!(t.ended_silences(9).await.unwrap(), []);
        t.raise_last_good(world.account, meter.id, noticed)
            .await
            .unwrap();
        assert_eq!(t.ended_silences(9).await.unwrap(), [silence]);
        assert!(t.close_silence(&silence, noticed).await.unwrap());
        assert!(!t.close_silence(&silence, noticed).await.unwrap());
        assert_eq!(t.open_silences(world.account).await.unwrap(), []);
    })
    .await;
}
