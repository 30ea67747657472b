//! The matrix of who may do what.

use super::*;

const OWN: AccountId = AccountId(1);
const OTHER: AccountId = AccountId(2);
const METER: MeterId = MeterId(10);
const NEIGHBOUR: MeterId = MeterId(11);

fn actor(administrator: bool, role: Option<Role>, may_change_settings: bool) -> Actor {
    let person = PersonId(7);
    let membership = role.map(|role| Membership {
        account: OWN,
        person,
        role,
        may_change_settings,
    });
    Actor {
        person,
        administrator,
        memberships: membership.into_iter().collect(),
        assigned: BTreeSet::from([(OWN, METER)]),
    }
}

/// For each object: may they see it, change its settings, manage it?
#[test]
fn the_matrix() {
    let administrator = actor(true, None, false);
    let integrator = actor(false, Some(Role::Integrator), false);
    let reader = actor(false, Some(Role::Monitor), false);
    let setter = actor(false, Some(Role::Monitor), true);
    let stranger = actor(false, None, true);
    let objects = [
        Object::Platform,
        Object::Account(OWN),
        Object::Account(OTHER),
        Object::Meter(OWN, METER),
        Object::Meter(OWN, NEIGHBOUR),
        Object::Meter(OTHER, METER),
    ];
    let table = [
        (
            "administrator",
            administrator,
            ["sCm", "---", "---", "---", "---", "---"],
        ),
        (
            "integrator",
            integrator,
            ["---", "sCm", "---", "sCm", "sCm", "---"],
        ),
        (
            "monitor, reading",
            reader,
            ["---", "---", "---", "s--", "---", "---"],
        ),
        (
            "monitor, setting",
            setter,
            ["---", "---", "---", "sC-", "---", "---"],
        ),
        // Assigned once, but no longer in the account.
        (
            "stranger",
            stranger,
            ["---", "---", "---", "---", "---", "---"],
        ),
    ];
    for (who, actor, expected) in table {
        for (object, expected) in objects.iter().zip(expected) {
            let actions = [
                (Action::See, 's'),
                (Action::ChangeSettings, 'C'),
                (Action::Manage, 'm'),
            ];
            let found: String = actions
                .into_iter()
                .map(|(action, letter)| {
                    if may(&actor, action, object) {
                        letter
                    } else {
                        '-'
                    }
                })
                .collect();
            assert_eq!(found, expected, "{who} and {object:?}");
        }
    }
}

#[test]
fn a_place_in_two_accounts_keeps_them_apart() {
    let mut both = actor(false, Some(Role::Integrator), false);
    both.memberships.push(Membership {
        account: OTHER,
        person: both.person,
        role: Role::Monitor,
        may_change_settings: false,
    });
    assert_eq!(both.held_accounts().collect::<Vec<_>>(), [OWN]);
    assert!(may(&both, Action::Manage, &Object::Account(OWN)));
    assert!(!may(&both, Action::See, &Object::Account(OTHER)));
    assert!(!may(&both, Action::See, &Object::Meter(OTHER, METER)));
}
