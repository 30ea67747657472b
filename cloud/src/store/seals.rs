//! The chains of the meters: which sealed readings follow one another, and which seals do
//! not prove what they say.

use common::digest::Digest;
use common::id::{AccountId, Epoch, MeterId};
use common::seal::Head;
use jiff::Timestamp;

use super::gateways::GatewayKey;
use super::readings::{KeptReading, Stream, kept, number, reading_columns};
use super::{Row, StoreResult, Transaction};

/// The most links of a chain that an invoice rests on: a year with a link every two hours.
const CHAIN_MAX: i64 = 4_400;

/// A reading whose seal does not prove what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealFault {
    /// The meter whose chain it says it belongs to.
    pub meter: MeterId,
    /// The link it says it is.
    pub link: u64,
    /// The life of the buffer it came from.
    pub epoch: Epoch,
    /// Its number there.
    pub seq: u64,
    /// What is wrong, in one sentence.
    pub fault: String,
    /// When it came.
    pub received_at: Timestamp,
}

fn fault(row: &Row) -> StoreResult<SealFault> {
    Ok(SealFault {
        meter: MeterId(row.int(0)?),
        link: row.number(1)?,
        epoch: Epoch(row.int(2)?),
        seq: row.number(3)?,
        fault: row.text(4)?.to_owned(),
        received_at: row.instant(5)?,
    })
}

impl Transaction {
    /// The last link of a meter's chain.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn meter_head(&mut self, account: AccountId, meter: MeterId) -> StoreResult<Head> {
        let found = self
            .query_one(
                "SELECT link, digest FROM seal WHERE account_id = $1 AND meter_id = $2 \
                 ORDER BY link DESC LIMIT 1",
                &[account.into(), meter.into()],
            )
            .await?;
        found.map_or(Ok(Head::default()), |row| {
            Ok(Head {
                link: row.number(0)?,
                digest: row.parsed(1)?,
            })
        })
    }

    /// The last link of a meter's chain, and when its reading was taken.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn last_seal(
        &mut self,
        account: AccountId,
        meter: MeterId,
    ) -> StoreResult<Option<(u64, Timestamp)>> {
        let found = self
            .query_one(
                "SELECT seal.link, reading.at_ms FROM seal JOIN reading \
                 ON reading.account_id = seal.account_id \
                 AND reading.gateway_id = seal.gateway_id \
                 AND reading.epoch = seal.epoch AND reading.seq = seal.seq \
                 WHERE seal.account_id = $1 AND seal.meter_id = $2 \
                 ORDER BY seal.link DESC LIMIT 1",
                &[account.into(), meter.into()],
            )
            .await?;
        found
            .map(|row| Ok((row.number(0)?, row.instant(1)?)))
            .transpose()
    }

    /// The digest of a link of a meter's chain.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn digest_of_link(
        &mut self,
        account: AccountId,
        meter: MeterId,
        link: u64,
    ) -> StoreResult<Option<Digest>> {
        let values = [account.into(), meter.into(), number(link)?.into()];
        let sql = "SELECT digest FROM seal WHERE account_id = $1 AND meter_id = $2 AND link = $3";
        let found = self.query_one(sql, &values).await?;
        found.map(|row| row.parsed(0)).transpose()
    }

    /// The readings of a meter's chain from one link to another, both included, each with the
    /// key that sealed it.
    ///
    /// # Errors
    /// When the engine cannot.
    pub(super) async fn chain(
        &mut self,
        account: AccountId,
        meter: MeterId,
        first: u64,
        last: u64,
    ) -> StoreResult<Vec<(KeptReading, String)>> {
        let sql = concat!(
            "SELECT ",
            reading_columns!(),
            ", sealed_by FROM (SELECT reading.*, seal.link AS place, \
             seal.public_key AS sealed_by FROM seal JOIN reading \
             ON reading.account_id = seal.account_id \
             AND reading.gateway_id = seal.gateway_id \
             AND reading.epoch = seal.epoch AND reading.seq = seal.seq \
             WHERE seal.account_id = $1 AND seal.meter_id = $2 \
             AND seal.link >= $3 AND seal.link <= $4 \
             ORDER BY seal.link LIMIT $5) AS sealed ORDER BY place"
        );
        let values = [
            account.into(),
            meter.into(),
            number(first)?.into(),
            number(last)?.into(),
            CHAIN_MAX.into(),
        ];
        let rows = self.query(sql, &values).await?;
        rows.iter()
            .map(|row| Ok((kept(row)?, row.text(20)?.to_owned())))
            .collect()
    }

    /// Makes the reading `seq` of a stream the head of a meter's chain.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn add_seal(
        &mut self,
        stream: Stream,
        meter: MeterId,
        head: Head,
        seq: u64,
        public_key: &str,
    ) -> StoreResult<()> {
        self.execute(
            "INSERT INTO seal (account_id, meter_id, link, digest, gateway_id, epoch, seq, \
             public_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            &[
                stream.key.account.into(),
                meter.into(),
                number(head.link)?.into(),
                head.digest.to_string().as_str().into(),
                stream.key.gateway.into(),
                stream.epoch.into(),
                number(seq)?.into(),
                public_key.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Notes that a seal does not prove what it says.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn note_seal_fault(&mut self, stream: Stream, fault: &SealFault) -> StoreResult<()> {
        self.execute(
            "INSERT INTO seal_fault (account_id, gateway_id, epoch, seq, meter_id, link, fault, \
             received_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            &[
                stream.key.account.into(),
                stream.key.gateway.into(),
                fault.epoch.into(),
                number(fault.seq)?.into(),
                fault.meter.into(),
                number(fault.link)?.into(),
                fault.fault.as_str().into(),
                fault.received_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// The newest faults of a gateway's seals.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn seal_faults(
        &mut self,
        key: GatewayKey,
        limit: i64,
    ) -> StoreResult<Vec<SealFault>> {
        let rows = self
            .query(
                "SELECT meter_id, link, epoch, seq, fault, received_ms FROM seal_fault \
                 WHERE account_id = $1 AND gateway_id = $2 \
                 ORDER BY received_ms DESC, epoch, seq DESC LIMIT $3",
                &[key.account.into(), key.gateway.into(), limit.into()],
            )
            .await?;
        rows.iter().map(fault).collect()
    }

    /// The newest faults in the chain of a meter.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn seal_faults_of_meter(
        &mut self,
        account: AccountId,
        meter: MeterId,
        limit: i64,
    ) -> StoreResult<Vec<SealFault>> {
        let rows = self
            .query(
                "SELECT meter_id, link, epoch, seq, fault, received_ms FROM seal_fault \
                 WHERE account_id = $1 AND meter_id = $2 \
                 ORDER BY received_ms DESC, epoch, seq DESC LIMIT $3",
                &[account.into(), meter.into(), limit.into()],
            )
            .await?;
        rows.iter().map(fault).collect()
    }

    /// Notes once that two buffers speak with a gateway's key; whether it is news.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn note_doubled(&mut self, key: GatewayKey, now: Timestamp) -> StoreResult<bool> {
        let changed = self
            .execute(
                "UPDATE gateway SET doubled_ms = $3 WHERE account_id = $1 AND gateway_id = $2 \
                 AND doubled_ms IS NULL",
                &[key.account.into(), key.gateway.into(), now.into()],
            )
            .await?;
        Ok(changed > 0)
    }
}
