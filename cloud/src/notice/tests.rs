//! Which notices are due to whom.

use common::locale::Language;

use super::*;

fn person(id: i64, verified: bool, linked: bool) -> Person {
    Person {
        id: PersonId(id),
        email: format!("{id}@example.com"),
        name: "Ana".to_owned(),
        language: Language::Es,
        administrator: false,
        email_verified_at: verified.then_some(Timestamp::UNIX_EPOCH),
        telegram_chat: linked.then_some(id),
    }
}

fn member(person: Person, role: Role) -> (Person, Membership) {
    let membership = Membership {
        account: AccountId(1),
        person: person.id,
        role,
        may_change_settings: false,
    };
    (person, membership)
}

#[test]
fn an_invoice_goes_where_its_people_proved_to_be_or_to_the_integrators() {
    use Channel::{Email, Telegram};
    use Delivery::{Both, None};
    let integrators = [
        member(person(1, true, true), Role::Integrator),
        member(person(2, false, false), Role::Integrator),
        member(person(3, true, true), Role::Monitor),
    ];
    let to_integrators: &[(i64, Channel)] = &[(1, Email)];
    type Case = (Delivery, bool, bool, &'static [(i64, Channel)]);
    let table: [Case; 9] = [
        (Delivery::Email, true, true, &[(9, Email)]),
        (Delivery::Email, false, true, to_integrators),
        (Delivery::Telegram, true, true, &[(9, Telegram)]),
        (Delivery::Telegram, false, true, &[(9, Telegram)]),
        // Telegram was unlinked: the mail takes over.
        (Delivery::Telegram, true, false, &[(9, Email)]),
        (Both, true, true, &[(9, Email), (9, Telegram)]),
        (Both, true, false, &[(9, Email)]),
        (Both, false, false, to_integrators),
        (None, true, true, to_integrators),
    ];
    for (delivery, verified, linked, expected) in table {
        let assignment = Assignment {
            meter: MeterId(1),
            person: PersonId(9),
            delivery,
        };
        let assignments = [(person(9, verified, linked), assignment)];
        let found = invoice_recipients(&assignments, &integrators);
        let expected: Vec<_> = expected
            .iter()
            .map(|(id, channel)| (PersonId(*id), *channel))
            .collect();
        assert_eq!(found, expected, "{delivery:?} {verified} {linked}");
    }
}

#[test]
fn what_concerns_the_installation_goes_to_integrators_on_all_their_channels() {
    let members = [
        member(person(1, true, true), Role::Integrator),
        member(person(2, false, false), Role::Integrator),
        member(person(3, true, true), Role::Monitor),
    ];
    let both = [
        (PersonId(1), Channel::Email),
        (PersonId(1), Channel::Telegram),
    ];
    assert_eq!(integrators(&members), both);
}
