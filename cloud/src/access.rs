//! Access: who may do what. Pure, and the only place that says so.
//!
//! Promises: whatever is not allowed here is not there for the one who asks; the portal
//! answers with the page of a thing that does not exist. It lacks an administrator's look
//! into meters: who operates the platform sees accounts and people, not what they bill.

use std::collections::BTreeSet;

use common::id::{AccountId, MeterId, PersonId};

use crate::account::{Membership, Role};

#[cfg(test)]
mod tests;

/// Who asks, with all that decides what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The person.
    pub person: PersonId,
    /// Whether they operate the platform.
    pub administrator: bool,
    /// What they are in which account.
    pub memberships: Vec<Membership>,
    /// The meters assigned to them.
    pub assigned: BTreeSet<(AccountId, MeterId)>,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Look at it: a page, an invoice, a file.
    See,
    /// Change what the switch of a monitor user opens: cutoff day, minimum, deliveries.
    ChangeSettings,
    /// Anything else: register, rename, set the price, invite, remove.
    Manage,
}

/// To what they want to do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// The platform: the list of accounts, and who holds them.
    Platform,
    /// An account with its sites, gateways, people and notices.
    Account(AccountId),
    /// A meter with its readings and invoices.
    Meter(AccountId, MeterId),
}

/// Whether `actor` may do it.
#[must_use]
pub fn may(actor: &Actor, action: Action, object: &Object) -> bool {
    match *object {
        Object::Platform => actor.administrator,
        Object::Account(account) => actor.is(Role::Integrator, account).is_some(),
        Object::Meter(account, meter) => {
            actor.is(Role::Integrator, account).is_some()
                || actor
                    .assigned_as_monitor(account, meter)
                    .is_some_and(|monitor| match action {
                        Action::See => true,
                        Action::ChangeSettings => monitor.may_change_settings,
                        Action::Manage => false,
                    })
        }
    }
}

impl Actor {
    fn is(&self, role: Role, account: AccountId) -> Option<&Membership> {
        self.memberships
            .iter()
            .find(|membership| membership.account == account && membership.role == role)
    }

    fn assigned_as_monitor(&self, account: AccountId, meter: MeterId) -> Option<&Membership> {
        let assigned = self.assigned.contains(&(account, meter));
        self.is(Role::Monitor, account).filter(|_| assigned)
    }

    /// The accounts in which they are anything.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.memberships.iter().map(|membership| membership.account)
    }

    /// The accounts that they hold as an integrator.
    pub fn held_accounts(&self) -> impl Iterator<Item = AccountId> {
        let held = |one: &&Membership| one.role == Role::Integrator;
        self.memberships.iter().filter(held).map(|one| one.account)
    }
}
