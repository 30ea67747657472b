//! Stories of people.

use common::locale::Language;
use jiff::ToSpan;

use super::super::testing::{on_both_engines, start};
use crate::account::{LinkPurpose, Membership, NewPerson, Role};

fn ana() -> NewPerson {
    NewPerson::new("Ana@Example.com", "Ana", Language::Es, false).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_one_by_address_in_all_accounts() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let now = start();
        let one = t.add_account("One", now).await.unwrap();
        let two = t.add_account("Two", now).await.unwrap();
        let person = t.add_person(&ana(), now).await.unwrap();
        let again = NewPerson::new("ana@example.com", "Ana María", Language::En, true).unwrap();
        assert_eq!(t.add_person(&again, now).await.unwrap(), person);
        for (account, role) in [(one.id, Role::Integrator), (two.id, Role::Monitor)] {
            let membership = Membership {
                account,
                person: person.id,
                role,
                may_change_settings: false,
            };
            t.set_membership(&membership, now).await.unwrap();
        }
        t.set_may_change_settings(two.id, person.id, true)
            .await
            .unwrap();
        let roles: Vec<_> = t
            .memberships(person.id)
            .await
            .unwrap()
            .into_iter()
            .map(|m| (m.role, m.may_change_settings))
            .collect();
        assert_eq!(roles.len(), 2);
        assert!(roles.contains(&(Role::Integrator, false)));
        assert!(roles.contains(&(Role::Monitor, true)));
        t.remove_membership(one.id, person.id).await.unwrap();
        assert_eq!(t.members(one.id).await.unwrap(), []);
        assert_eq!(t.members(two.id).await.unwrap()[0].0, person);
        assert_eq!(t.membership(one.id, person.id).await.unwrap(), None);
        t.commit().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_good_once_for_its_purpose_and_its_time() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let now = start();
        let person = t.add_person(&ana(), now).await.unwrap().id;
        let late = now + 10.minutes();
        for hash in ["a", "b", "c"] {
            t.add_link(hash, LinkPurpose::Telegram, person, now)
                .await
                .unwrap();
        }
        let wrong = t.use_link("a", LinkPurpose::Password, now).await.unwrap();
        assert_eq!(wrong, None);
        for expected in [Some(person), Some(person)] {
            let seen = t.look_at_link("a", LinkPurpose::Telegram, now).await;
            assert_eq!(seen.unwrap(), expected);
        }
        for expected in [Some(person), None] {
            let used = t.use_link("a", LinkPurpose::Telegram, now).await.unwrap();
            assert_eq!(used, expected);
        }
        let expired = t.use_link("b", LinkPurpose::Telegram, late).await.unwrap();
        assert_eq!(expired, None);
        t.spend_links(person, LinkPurpose::Telegram, now)
            .await
            .unwrap();
        let spent = t.look_at_link("c", LinkPurpose::Telegram, now).await;
        assert_eq!(spent.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_age_by_idleness_and_by_order() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let now = start();
        let person = t.add_person(&ana(), now).await.unwrap();
        let end = now + 12.hours();
        let before = now - 1.hour();
        t.add_session("s", person.id, now, end).await.unwrap();
        t.add_session("t", person.id, now, end).await.unwrap();
        let found = t.session_person("s", now, before).await.unwrap();
        assert_eq!(found, Some((person.clone(), now)));
        assert_eq!(t.session_person("s", end, before).await.unwrap(), None);
        assert_eq!(t.session_person("s", now, now).await.unwrap(), None);
        let seen = now + 1.minute();
        t.touch_session("s", seen).await.unwrap();
        let found = t.session_person("s", seen, now).await.unwrap();
        assert_eq!(found.unwrap().1, seen);
        t.delete_session("s").await.unwrap();
        assert_eq!(t.session_person("s", now, before).await.unwrap(), None);
        t.delete_sessions(person.id).await.unwrap();
        assert_eq!(t.session_person("t", now, before).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_proves_and_chooses_is_kept() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let now = start();
        let ana = t.add_person(&ana(), now).await.unwrap();
        let ben = NewPerson::new("ben@example.com", "Ben", Language::En, false).unwrap();
        let ben = t.add_person(&ben, now).await.unwrap();
        assert_eq!(t.password_hash(ana.id).await.unwrap(), None);
        t.set_password_hash(ana.id, "$argon2id$x").await.unwrap();
        let hash = t.password_hash(ana.id).await.unwrap();
        assert_eq!(hash.as_deref(), Some("$argon2id$x"));
        t.verify_email(ana.id, now).await.unwrap();
        t.verify_email(ana.id, now + 1.hour()).await.unwrap();
        t.set_language(ana.id, Language::En).await.unwrap();
        t.link_telegram(ana.id, 77).await.unwrap();
        t.link_telegram(ben.id, 77).await.unwrap();
        let ana = t.person(ana.id).await.unwrap().unwrap();
        assert_eq!(ana.email_verified_at, Some(now));
        assert_eq!((ana.language, ana.telegram_chat), (Language::En, None));
        assert_eq!(t.person_by_chat(77).await.unwrap().unwrap().id, ben.id);
        t.unlink_telegram(ben.id).await.unwrap();
        assert_eq!(t.person_by_chat(77).await.unwrap(), None);
        t.make_administrator(ben.id).await.unwrap();
        assert!(t.person(ben.id).await.unwrap().unwrap().administrator);
    })
    .await;
}
