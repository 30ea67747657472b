//! The outbox, and the silences that notices tell of.
//!
//! A notice is put in with its cause, in one transaction. Whoever sends claims it first: a
//! lease, by real time, with a token that is given once; only the holder of the token may
//! say what became of it. A sender that dies lets the lease run out.

#[cfg(test)]
mod tests;

use common::id::{AccountId, MeterId, NoticeId, PersonId};
use jiff::Timestamp;

use super::{Row, StoreError, StoreResult, Transaction, new_id};
use crate::notice::{Channel, NewNotice, Notice, NoticeKind, NoticeState};

/// Meter id of a notice that concerns no meter.
const NO_METER: MeterId = MeterId(0);

/// A notice that a sender has claimed, with the token that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedNotice {
    /// The notice.
    pub notice: Notice,
    /// The token of this claim.
    pub token: i64,
}

/// A stretch in which a meter recorded nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// The account.
    pub account: AccountId,
    /// The meter.
    pub meter: MeterId,
    /// Its last good reading before.
    pub since: Timestamp,
}

macro_rules! notice_columns {
    () => {
        "notice.account_id, notice.notice_id, kind, meter_id, subject, person_id, channel, \
         content, state, attempts, next_attempt_ms, last_error, sent_ms, created_ms"
    };
}

fn notice(row: &Row) -> StoreResult<Notice> {
    let meter = Some(MeterId(row.int(3)?)).filter(|meter| *meter != NO_METER);
    let state = match row.text(8)? {
        "due" => NoticeState::Due,
        "sent" => NoticeState::Sent {
            at: row.instant(12)?,
        },
        "failed" => NoticeState::Failed,
        other => return Err(StoreError::Content(format!("a notice is '{other}'"))),
    };
    Ok(Notice {
        id: NoticeId(row.int(1)?),
        new: NewNotice {
            account: AccountId(row.int(0)?),
            kind: row.coded(2, NoticeKind::from_code)?,
            meter,
            subject: row.text(4)?.to_owned(),
            person: PersonId(row.int(5)?),
            channel: row.coded(6, Channel::from_code)?,
            content: row.text(7)?.to_owned(),
            due_at: row.instant(10)?,
        },
        state,
        attempts: row.number(9)?,
        last_error: row.optional_text(11)?.map(str::to_owned),
        created_at: row.instant(13)?,
    })
}

fn silence(row: &Row) -> StoreResult<Silence> {
    Ok(Silence {
        account: AccountId(row.int(0)?),
        meter: MeterId(row.int(1)?),
        since: row.instant(2)?,
    })
}

impl Transaction {
    /// Puts a notice into the outbox, once; returns whether it is new.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn add_notice(&mut self, new: &NewNotice, now: Timestamp) -> StoreResult<bool> {
        let added = self
            .execute(
                "INSERT INTO notice (account_id, notice_id, kind, meter_id, subject, person_id, \
                 channel, content, state, attempts, next_attempt_ms, lease_until_ms, \
                 lease_token, created_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'due', 0, $9, 0, 0, $10) \
                 ON CONFLICT DO NOTHING",
                &[
                    new.account.into(),
                    new_id(now).into(),
                    new.kind.code().into(),
                    new.meter.unwrap_or(NO_METER).into(),
                    new.subject.as_str().into(),
                    new.person.into(),
                    new.channel.code().into(),
                    new.content.as_str().into(),
                    new.due_at.into(),
                    now.into(),
                ],
            )
            .await?;
        Ok(added > 0)
    }

    /// Claims up to `limit` notices of a channel that are due at `now` until `lease_until`,
    /// under one token. Leases and back-off count real time, which is `real_now`.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn claim_notices(
        &mut self,
        channel: Channel,
        now: Timestamp,
        real_now: Timestamp,
        lease_until: Timestamp,
        limit: i64,
    ) -> StoreResult<Vec<ClaimedNotice>> {
        let token = new_id(real_now);
        // A claim that ran beside this one changed the row: the outer conditions see it.
        let sql = concat!(
            "UPDATE notice SET lease_until_ms = $3, lease_token = $4, attempts = attempts + 1 \
             WHERE state = 'due' AND lease_until_ms <= $2 \
             AND (account_id, notice_id) IN (SELECT account_id, notice_id FROM notice \
             WHERE state = 'due' AND channel = $6 AND next_attempt_ms <= $1 \
             AND lease_until_ms <= $2 ORDER BY next_attempt_ms, notice_id LIMIT $5) RETURNING ",
            notice_columns!()
        );
        let values = [
            now.into(),
            real_now.into(),
            lease_until.into(),
            token.into(),
            limit.into(),
            channel.code().into(),
        ];
        let rows = self.query(sql, &values).await?;
        let mut claimed = rows
            .iter()
            .map(|row| {
                Ok(ClaimedNotice {
                    notice: notice(row)?,
                    token,
                })
            })
            .collect::<StoreResult<Vec<_>>>()?;
        claimed.sort_by_key(|claimed| (claimed.notice.new.due_at, claimed.notice.id));
        Ok(claimed)
    }

    /// Keeps that a claimed notice was handed over; returns whether the claim still held.
    /// The link of an invitation is forgotten.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn notice_sent(
        &mut self,
        claimed: &ClaimedNotice,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let changed = self
            .execute(
                "UPDATE notice SET state = 'sent', sent_ms = $4, last_error = NULL, \
                 content = CASE kind WHEN 'invitation' THEN '{}' ELSE content END \
                 WHERE account_id = $1 AND notice_id = $2 AND lease_token = $3 \
                 AND state = 'due'",
                &[
                    claimed.notice.new.account.into(),
                    claimed.notice.id.into(),
                    claimed.token.into(),
                    now.into(),
                ],
            )
            .await?;
        Ok(changed > 0)
    }

    /// Gives a claimed notice up; returns whether the claim still held. The link of an
    /// invitation is forgotten.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn notice_failed(
        &mut self,
        claimed: &ClaimedNotice,
        error: &str,
    ) -> StoreResult<bool> {
        let changed = self
            .execute(
                "UPDATE notice SET state = 'failed', last_error = $4, \
                 content = CASE kind WHEN 'invitation' THEN '{}' ELSE content END \
                 WHERE account_id = $1 AND notice_id = $2 AND lease_token = $3 \
                 AND state = 'due'",
                &[
                    claimed.notice.new.account.into(),
                    claimed.notice.id.into(),
                    claimed.token.into(),
                    error.into(),
                ],
            )
            .await?;
        Ok(changed > 0)
    }

    /// Lets a claimed notice be tried again from `not_before` on, by real time; returns
    /// whether the claim still held.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn notice_again(
        &mut self,
        claimed: &ClaimedNotice,
        error: &str,
        not_before: Timestamp,
    ) -> StoreResult<bool> {
        let changed = self
            .execute(
                "UPDATE notice SET lease_until_ms = $5, lease_token = 0, last_error = $4 \
                 WHERE account_id = $1 AND notice_id = $2 AND lease_token = $3 \
                 AND state = 'due'",
                &[
                    claimed.notice.new.account.into(),
                    claimed.notice.id.into(),
                    claimed.token.into(),
                    error.into(),
                    not_before.into(),
                ],
            )
            .await?;
        Ok(changed > 0)
    }

    /// Gives a claim back as if it had not been made; returns whether it still held.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn release_notice(&mut self, claimed: &ClaimedNotice) -> StoreResult<bool> {
        let changed = self
            .execute(
                "UPDATE notice SET lease_until_ms = 0, lease_token = 0, \
                 attempts = attempts - 1 \
                 WHERE account_id = $1 AND notice_id = $2 AND lease_token = $3 \
                 AND state = 'due'",
                &[
                    claimed.notice.new.account.into(),
                    claimed.notice.id.into(),
                    claimed.token.into(),
                ],
            )
            .await?;
        Ok(changed > 0)
    }

    /// The newest `limit` notices about a meter.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn notices_of_meter(
        &mut self,
        account: AccountId,
        meter: MeterId,
        limit: i64,
    ) -> StoreResult<Vec<Notice>> {
        let sql = concat!(
            "SELECT ",
            notice_columns!(),
            " FROM notice WHERE account_id = $1 AND meter_id = $2 \
             ORDER BY notice_id DESC LIMIT $3"
        );
        let values = [account.into(), meter.into(), limit.into()];
        let rows = self.query(sql, &values).await?;
        rows.iter().map(notice).collect()
    }

    /// The newest `limit` notices of an account.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn notices(&mut self, account: AccountId, limit: i64) -> StoreResult<Vec<Notice>> {
        let sql = concat!(
            "SELECT ",
            notice_columns!(),
            " FROM notice WHERE account_id = $1 ORDER BY notice_id DESC LIMIT $2"
        );
        let rows = self.query(sql, &[account.into(), limit.into()]).await?;
        rows.iter().map(notice).collect()
    }

    /// When the next notice after an instant is due: what a test clock stops at.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn next_notice_due(&mut self, after: Timestamp) -> StoreResult<Option<Timestamp>> {
        let found = self
            .query_one(
                "SELECT MIN(next_attempt_ms) FROM notice \
                 WHERE state = 'due' AND next_attempt_ms > $1",
                &[after.into()],
            )
            .await?;
        found.map_or(Ok(None), |row| row.optional_instant(0))
    }

    /// Opens the silence of a meter; returns whether it is new.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn open_silence(&mut self, silence: &Silence, now: Timestamp) -> StoreResult<bool> {
        let added = self
            .execute(
                "INSERT INTO silence (account_id, meter_id, since_ms, noticed_ms) \
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                &[
                    silence.account.into(),
                    silence.meter.into(),
                    silence.since.into(),
                    now.into(),
                ],
            )
            .await?;
        Ok(added > 0)
    }

    /// Ends the silence of a meter; returns whether it was open.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn close_silence(&mut self, silence: &Silence, now: Timestamp) -> StoreResult<bool> {
        let changed = self
            .execute(
                "UPDATE silence SET recovered_ms = $4 WHERE account_id = $1 \
                 AND meter_id = $2 AND since_ms = $3 AND recovered_ms IS NULL",
                &[
                    silence.account.into(),
                    silence.meter.into(),
                    silence.since.into(),
                    now.into(),
                ],
            )
            .await?;
        Ok(changed > 0)
    }

    /// How many notices of all accounts are due or wait to be tried again.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn due_notices(&mut self) -> StoreResult<i64> {
        let sql = "SELECT COUNT(*) FROM notice WHERE state = 'due'";
        let row = self.query_one(sql, &[]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    /// Up to `limit` open silences of all accounts whose meter has recorded again.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn ended_silences(&mut self, limit: i64) -> StoreResult<Vec<Silence>> {
        let rows = self
            .query(
                "SELECT silence.account_id, silence.meter_id, silence.since_ms FROM silence \
                 JOIN meter ON meter.account_id = silence.account_id \
                 AND meter.meter_id = silence.meter_id \
                 WHERE silence.recovered_ms IS NULL AND meter.last_good_ms > silence.since_ms \
                 ORDER BY silence.account_id, silence.meter_id LIMIT $1",
                &[limit.into()],
            )
            .await?;
        rows.iter().map(silence).collect()
    }

    /// The open silences of an account.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn open_silences(&mut self, account: AccountId) -> StoreResult<Vec<Silence>> {
        let rows = self
            .query(
                "SELECT account_id, meter_id, since_ms FROM silence \
                 WHERE account_id = $1 AND recovered_ms IS NULL ORDER BY meter_id",
                &[account.into()],
            )
            .await?;
        rows.iter().map(silence).collect()
    }
}
