//! Stories of meters that fall silent, on both engines.

use super::*;
use crate::account::{Membership, NewPerson, Role};
use crate::notice::NoticeKind;
use crate::site::GatewayKind;
use crate::store::testing::{World, keep_register, new_meter, on_both_engines, start, world};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

async fn integrator(t: &mut Transaction, world: &World) {
    let language = "en".parse().unwrap();
    let new = NewPerson::new("ivan@example.com", "Iván", language, false).unwrap();
    let person = t.add_person(&new, start()).await.unwrap().id;
    t.verify_email(person, start()).await.unwrap();
    let membership = Membership {
        account: world.account,
        person,
        role: Role::Integrator,
        may_change_settings: true,
    };
    t.set_membership(&membership, start()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_told_once_after_a_whole_day_and_its_end_once() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Gateway).await;
        let new = new_meter(&world, 1);
        let meter = t.register_meter(world.account, &new, None, start()).await;
        let meter = meter.unwrap();
        integrator(&mut t, &world).await;
        let account = world.account;
        keep_register(&mut t, &world, &meter, "2026-10-31T20:00:00Z", "1").await;
        t.commit().await.unwrap();

        let told = async |now: &str| {
            run(&store, at(now)).await.unwrap();
            run(&store, at(now)).await.unwrap();
            let mut t = store.read().await.unwrap();
            let mut notices = t.notices(account, 99).await.unwrap();
            notices.reverse();
            notices
                .iter()
                .map(|notice| notice.new.kind)
                .collect::<Vec<_>>()
        };
        // 24 elapsed hours, though the clocks went back in between.
        assert_eq!(told("2026-11-01T20:00:00Z").await, []);
        assert_eq!(told("2026-11-01T20:00:01Z").await, [NoticeKind::Silent]);
        assert_eq!(told("2026-11-09T00:00:00Z").await, [NoticeKind::Silent]);

        let mut t = store.write().await.unwrap();
        keep_register(&mut t, &world, &meter, "2026-11-09T00:00:30Z", "2").await;
        t.commit().await.unwrap();
        let both = [NoticeKind::Silent, NoticeKind::Recovered];
        assert_eq!(told("2026-11-09T00:01:00Z").await, both);
        let again = [both, both].concat();
        assert_eq!(told("2026-11-10T00:00:31Z").await, again[..3]);
    })
    .await;
}
