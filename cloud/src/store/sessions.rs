//! How people come in: their sessions and one-time links. Of every secret only a hash comes
//! here.

use common::id::PersonId;
use jiff::Timestamp;

use super::people::{PERSON_COLUMNS, person, person_columns};
use super::{StoreResult, Transaction};
use crate::account::{LinkPurpose, Person};

impl Transaction {
    /// Opens a session for a person.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn add_session(
        &mut self,
        hash: &str,
        person: PersonId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> StoreResult<()> {
        self.execute(
            "INSERT INTO session (session_hash, person_id, created_ms, seen_ms, expires_ms) \
             VALUES ($1, $2, $3, $3, $4)",
            &[hash.into(), person.into(), now.into(), expires_at.into()],
        )
        .await?;
        Ok(())
    }

    /// The person of a session that has not expired and was seen after `idle_since`, and
    /// when it was last seen.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn session_person(
        &mut self,
        hash: &str,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> StoreResult<Option<(Person, Timestamp)>> {
        let sql = concat!(
            "SELECT ",
            person_columns!(),
            ", session.seen_ms FROM session \
             JOIN person ON person.person_id = session.person_id \
             WHERE session_hash = $1 AND expires_ms > $2 AND seen_ms > $3"
        );
        let values = [hash.into(), now.into(), idle_since.into()];
        let found = self.query_one(sql, &values).await?;
        found
            .map(|row| Ok((person(&row)?, row.instant(PERSON_COLUMNS)?)))
            .transpose()
    }

    /// Keeps that a session was seen.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn touch_session(&mut self, hash: &str, now: Timestamp) -> StoreResult<()> {
        self.execute(
            "UPDATE session SET seen_ms = $2 WHERE session_hash = $1",
            &[hash.into(), now.into()],
        )
        .await?;
        Ok(())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn delete_session(&mut self, hash: &str) -> StoreResult<()> {
        self.execute(
            "DELETE FROM session WHERE session_hash = $1",
            &[hash.into()],
        )
        .await?;
        Ok(())
    }

    /// Ends every session of a person.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn delete_sessions(&mut self, person: PersonId) -> StoreResult<()> {
        self.execute("DELETE FROM session WHERE person_id = $1", &[person.into()])
            .await?;
        Ok(())
    }

    /// Keeps a one-time link, which lives as long as its purpose says.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn add_link(
        &mut self,
        hash: &str,
        purpose: LinkPurpose,
        person: PersonId,
        now: Timestamp,
    ) -> StoreResult<()> {
        let expires_ms = now
            .as_millisecond()
            .saturating_add(i64::try_from(purpose.lifetime().as_millis()).unwrap_or(0));
        self.execute(
            "INSERT INTO one_time_link (link_hash, purpose, person_id, expires_ms) \
             VALUES ($1, $2, $3, $4)",
            &[
                hash.into(),
                purpose.code().into(),
                person.into(),
                expires_ms.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Whose link it is, if it is still good; it stays so.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn look_at_link(
        &mut self,
        hash: &str,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> StoreResult<Option<PersonId>> {
        let found = self
            .query_one(
                "SELECT person_id FROM one_time_link WHERE link_hash = $1 AND purpose = $2 \
                 AND expires_ms > $3 AND used_ms IS NULL",
                &[hash.into(), purpose.code().into(), now.into()],
            )
            .await?;
        found.map(|row| row.int(0).map(PersonId)).transpose()
    }

    /// Uses a link up: whose it was, the first time only.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn use_link(
        &mut self,
        hash: &str,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> StoreResult<Option<PersonId>> {
        let found = self
            .query_one(
                "UPDATE one_time_link SET used_ms = $3 WHERE link_hash = $1 AND purpose = $2 \
                 AND expires_ms > $3 AND used_ms IS NULL RETURNING person_id",
                &[hash.into(), purpose.code().into(), now.into()],
            )
            .await?;
        found.map(|row| row.int(0).map(PersonId)).transpose()
    }

    /// Makes every link of a person for a purpose useless.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn spend_links(
        &mut self,
        person: PersonId,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.execute(
            "UPDATE one_time_link SET used_ms = $3 \
             WHERE person_id = $1 AND purpose = $2 AND used_ms IS NULL",
            &[person.into(), purpose.code().into(), now.into()],
        )
        .await?;
        Ok(())
    }
}
