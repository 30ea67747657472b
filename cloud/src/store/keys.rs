//! The keys that sign a gateway's seals, and how one takes the place of another.

use jiff::{SignedDuration, Timestamp};

use super::gateways::GatewayKey;
use super::{Row, StoreResult, Transaction};

/// How long a replaced token and key still count: a gateway may have stopped between the
/// cloud's commit and its own.
pub const KEY_OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// A public key of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealingKey {
    /// The Ed25519 public key, base64.
    pub public_key: String,
    /// Since when it counts.
    pub from: Timestamp,
    /// Until when it counts, if it was replaced.
    pub until: Option<Timestamp>,
}

fn sealing_key(row: &Row) -> StoreResult<SealingKey> {
    Ok(SealingKey {
        public_key: row.text(0)?.to_owned(),
        from: row.instant(1)?,
        until: row.optional_instant(2)?,
    })
}

impl Transaction {
    /// The keys of a gateway, the newest first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn keys_of_gateway(&mut self, key: GatewayKey) -> StoreResult<Vec<SealingKey>> {
        let rows = self
            .query(
                "SELECT public_key, from_ms, until_ms FROM gateway_key \
                 WHERE account_id = $1 AND gateway_id = $2 ORDER BY from_ms DESC, public_key",
                &[key.account.into(), key.gateway.into()],
            )
            .await?;
        rows.iter().map(sealing_key).collect()
    }

    /// Takes a new key and token of a gateway; those before count for [`KEY_OVERLAP`], the
    /// tokens only until the new one is used.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn change_key(
        &mut self,
        key: GatewayKey,
        public_key: &str,
        token_hash: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let until = now + KEY_OVERLAP;
        self.execute(
            "UPDATE gateway_token SET expires_ms = $3 WHERE account_id = $1 \
             AND gateway_id = $2 AND revoked_ms IS NULL AND expires_ms IS NULL",
            &[key.account.into(), key.gateway.into(), until.into()],
        )
        .await?;
        self.execute(
            "INSERT INTO gateway_token (token_hash, account_id, gateway_id, created_ms) \
             VALUES ($1, $2, $3, $4)",
            &[
                token_hash.into(),
                key.account.into(),
                key.gateway.into(),
                now.into(),
            ],
        )
        .await?;
        self.take_key(key, public_key, now, until).await
    }

    /// Revokes the tokens that this one has replaced, now that it is used.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn end_replaced_tokens(
        &mut self,
        key: GatewayKey,
        token_hash: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.execute(
            "UPDATE gateway_token SET revoked_ms = $4 WHERE account_id = $1 \
             AND gateway_id = $2 AND token_hash <> $3 AND revoked_ms IS NULL \
             AND expires_ms IS NOT NULL AND EXISTS (SELECT 1 FROM gateway_token AS used \
             WHERE used.token_hash = $3 AND used.expires_ms IS NULL)",
            &[
                key.account.into(),
                key.gateway.into(),
                token_hash.into(),
                now.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Makes this key the current one; those before count until `until`.
    pub(super) async fn take_key(
        &mut self,
        key: GatewayKey,
        public_key: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> StoreResult<()> {
        self.execute(
            "UPDATE gateway_key SET until_ms = $3 WHERE account_id = $1 AND gateway_id = $2 \
             AND until_ms IS NULL AND public_key <> $4",
            &[
                key.account.into(),
                key.gateway.into(),
                until.into(),
                public_key.into(),
            ],
        )
        .await?;
        self.execute(
            "INSERT INTO gateway_key (account_id, gateway_id, public_key, from_ms) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (account_id, gateway_id, public_key) \
             DO UPDATE SET until_ms = NULL",
            &[
                key.account.into(),
                key.gateway.into(),
                public_key.into(),
                now.into(),
            ],
        )
        .await?;
        Ok(())
    }
}
