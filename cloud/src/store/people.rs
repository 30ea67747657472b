//! People: who they are, and what they are in which account.

#[cfg(test)]
mod tests;

use common::id::{AccountId, PersonId};
use jiff::Timestamp;

use super::{Row, StoreResult, Transaction, new_id};
use crate::account::{Membership, NewPerson, Person, Role};

pub(super) const PERSON_COLUMNS: usize = 7;

macro_rules! person_columns {
    () => {
        "person.person_id, person.email, person.name, person.language, person.administrator, \
         person.email_verified_ms, person.telegram_chat"
    };
}
pub(super) use person_columns;

pub(super) fn person(row: &Row) -> StoreResult<Person> {
    Ok(Person {
        id: PersonId(row.int(0)?),
        email: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        language: row.parsed(3)?,
        administrator: row.flag(4)?,
        email_verified_at: row.optional_instant(5)?,
        telegram_chat: row.optional_int(6)?,
    })
}

fn membership(row: &Row, first: usize) -> StoreResult<Membership> {
    Ok(Membership {
        account: AccountId(row.int(first)?),
        person: PersonId(row.int(first + 1)?),
        role: row.coded(first + 2, Role::from_code)?,
        may_change_settings: row.flag(first + 3)?,
    })
}

impl Transaction {
    /// Adds a person. When the address is known already, the person who has it is returned
    /// as they are: people are one across all accounts.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn add_person(&mut self, new: &NewPerson, now: Timestamp) -> StoreResult<Person> {
        let id = PersonId(new_id(now));
        self.execute(
            "INSERT INTO person \
             (person_id, email, name, language, administrator, created_ms) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email) DO NOTHING",
            &[
                id.into(),
                new.email().into(),
                new.name().into(),
                new.language().code().into(),
                new.administrator().into(),
                now.into(),
            ],
        )
        .await?;
        let added = self.person_by_email(new.email()).await?;
        added.ok_or_else(|| super::StoreError::Content("a new person is not there".to_owned()))
    }

    /// The person of that identity.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn person(&mut self, id: PersonId) -> StoreResult<Option<Person>> {
        let sql = concat!(
            "SELECT ",
            person_columns!(),
            " FROM person WHERE person_id = $1"
        );
        let found = self.query_one(sql, &[id.into()]).await?;
        found.as_ref().map(person).transpose()
    }

    /// The person who has that address, which is in lower case.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn person_by_email(&mut self, email: &str) -> StoreResult<Option<Person>> {
        let sql = concat!(
            "SELECT ",
            person_columns!(),
            " FROM person WHERE email = $1"
        );
        let found = self.query_one(sql, &[email.into()]).await?;
        found.as_ref().map(person).transpose()
    }

    /// The person who linked that Telegram chat.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn person_by_chat(&mut self, chat: i64) -> StoreResult<Option<Person>> {
        let sql = concat!(
            "SELECT ",
            person_columns!(),
            " FROM person WHERE telegram_chat = $1"
        );
        let found = self.query_one(sql, &[chat.into()]).await?;
        found.as_ref().map(person).transpose()
    }

    /// The hash of a person's password, if they have set one.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn password_hash(&mut self, id: PersonId) -> StoreResult<Option<String>> {
        let found = self
            .query_one(
                "SELECT password_hash FROM person WHERE person_id = $1",
                &[id.into()],
            )
            .await?;
        match found {
            Some(row) => Ok(row.optional_text(0)?.map(str::to_owned)),
            None => Ok(None),
        }
    }

    /// Sets the hash of a person's password.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn set_password_hash(&mut self, id: PersonId, hash: &str) -> StoreResult<()> {
        self.execute(
            "UPDATE person SET password_hash = $2 WHERE person_id = $1",
            &[id.into(), hash.into()],
        )
        .await?;
        Ok(())
    }

    /// Makes a person an administrator.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn make_administrator(&mut self, id: PersonId) -> StoreResult<()> {
        self.execute(
            "UPDATE person SET administrator = 1 WHERE person_id = $1",
            &[id.into()],
        )
        .await?;
        Ok(())
    }

    /// Sets what a person is called.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn set_name(&mut self, id: PersonId, name: &str) -> StoreResult<()> {
        self.execute(
            "UPDATE person SET name = $2 WHERE person_id = $1",
            &[id.into(), name.into()],
        )
        .await?;
        Ok(())
    }

    /// Sets the language of the portal for a person.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn set_language(
        &mut self,
        id: PersonId,
        language: common::locale::Language,
    ) -> StoreResult<()> {
        self.execute(
            "UPDATE person SET language = $2 WHERE person_id = $1",
            &[id.into(), language.code().into()],
        )
        .await?;
        Ok(())
    }

    /// Keeps that a person proved their address, from the first time on.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn verify_email(&mut self, id: PersonId, now: Timestamp) -> StoreResult<()> {
        self.execute(
            "UPDATE person SET email_verified_ms = $2 \
             WHERE person_id = $1 AND email_verified_ms IS NULL",
            &[id.into(), now.into()],
        )
        .await?;
        Ok(())
    }

    /// Links a Telegram chat to a person; whoever had it before has none now.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn link_telegram(&mut self, id: PersonId, chat: i64) -> StoreResult<()> {
        self.execute(
            "UPDATE person SET telegram_chat = NULL WHERE telegram_chat = $1",
            &[chat.into()],
        )
        .await?;
        self.execute(
            "UPDATE person SET telegram_chat = $2 WHERE person_id = $1",
            &[id.into(), chat.into()],
        )
        .await?;
        Ok(())
    }

    /// Forgets a person's Telegram chat.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn unlink_telegram(&mut self, id: PersonId) -> StoreResult<()> {
        self.execute(
            "UPDATE person SET telegram_chat = NULL WHERE person_id = $1",
            &[id.into()],
        )
        .await?;
        Ok(())
    }

    /// Makes a person what `membership` says in its account, whatever they were there.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn set_membership(
        &mut self,
        membership: &Membership,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.execute(
            "INSERT INTO membership \
             (account_id, person_id, role, may_change_settings, created_ms) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id, person_id) DO UPDATE \
             SET role = excluded.role, may_change_settings = excluded.may_change_settings",
            &[
                membership.account.into(),
                membership.person.into(),
                membership.role.code().into(),
                membership.may_change_settings.into(),
                now.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// What a person is in an account.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn membership(
        &mut self,
        account: AccountId,
        person: PersonId,
    ) -> StoreResult<Option<Membership>> {
        let found = self
            .query_one(
                "SELECT account_id, person_id, role, may_change_settings FROM membership \
                 WHERE account_id = $1 AND person_id = $2",
                &[account.into(), person.into()],
            )
            .await?;
        found.map(|row| membership(&row, 0)).transpose()
    }

    /// What a person is, in every account.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn memberships(&mut self, person: PersonId) -> StoreResult<Vec<Membership>> {
        let rows = self
            .query(
                "SELECT account_id, person_id, role, may_change_settings FROM membership \
                 WHERE person_id = $1 ORDER BY account_id",
                &[person.into()],
            )
            .await?;
        rows.iter().map(|row| membership(row, 0)).collect()
    }

    /// The people of an account, by name.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn members(&mut self, account: AccountId) -> StoreResult<Vec<(Person, Membership)>> {
        let sql = concat!(
            "SELECT ",
            person_columns!(),
            ", membership.account_id, membership.person_id, role, may_change_settings \
             FROM membership JOIN person ON person.person_id = membership.person_id \
             WHERE membership.account_id = $1 ORDER BY person.name, person.person_id"
        );
        let rows = self.query(sql, &[account.into()]).await?;
        rows.iter()
            .map(|row| Ok((person(row)?, membership(row, PERSON_COLUMNS)?)))
            .collect()
    }

    /// Says whether a monitor user may change the settings of their meters.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn set_may_change_settings(
        &mut self,
        account: AccountId,
        person: PersonId,
        may: bool,
    ) -> StoreResult<()> {
        self.execute(
            "UPDATE membership SET may_change_settings = $3 \
             WHERE account_id = $1 AND person_id = $2",
            &[account.into(), person.into(), may.into()],
        )
        .await?;
        Ok(())
    }

    /// Ends a person's place in an account, with what was assigned to them there.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn remove_membership(
        &mut self,
        account: AccountId,
        person: PersonId,
    ) -> StoreResult<()> {
        let values = [account.into(), person.into()];
        self.execute(
            "DELETE FROM assignment WHERE account_id = $1 AND person_id = $2",
            &values,
        )
        .await?;
        self.execute(
            "DELETE FROM membership WHERE account_id = $1 AND person_id = $2",
            &values,
        )
        .await?;
        Ok(())
    }
}
