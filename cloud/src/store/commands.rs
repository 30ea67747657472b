//! What people asked of gateways, and what came of it. A gateway fetches an order until it
//! has answered; one that was not answered in time is not given out any more.

use common::id::{CommandId, PersonId};
use common::sync::{Command, CommandResult, Order};
use jiff::{SignedDuration, Timestamp};

use super::gateways::GatewayKey;
use super::{Row, StoreError, StoreResult, Transaction, new_id};

/// How long an order is given out: whoever asked has gone away by then.
pub const ORDER_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// Orders of a gateway that may wait at once.
const WAITING_MAX: usize = 32;
/// How long an order and its answer are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Something that was asked of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its identity.
    pub id: CommandId,
    /// What was asked.
    pub order: Order,
    /// By whom.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub result: Option<CommandResult>,
}

impl Asked {
    /// Whether an answer can still be expected at `now`.
    #[must_use]
    pub fn is_waiting(&self, now: Timestamp) -> bool {
        self.result.is_none() && now.duration_since(self.at) < ORDER_LIFETIME
    }
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It is kept.
    Kept,
    /// There is one already, which stays.
    Again,
    /// The gateway was never asked that.
    Unknown,
}

fn asked(row: &Row) -> StoreResult<Asked> {
    let result = match row.optional_text(4)? {
        Some(_) => Some(row.json(4)?),
        None => None,
    };
    Ok(Asked {
        id: CommandId(row.int(0)?),
        order: row.json(1)?,
        by: PersonId(row.int(2)?),
        at: row.instant(3)?,
        result,
    })
}

fn json(value: &impl serde::Serialize) -> StoreResult<String> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Content(format!("an order is no JSON: {error}")))
}

impl Transaction {
    /// Asks something of a gateway. What waits already is not asked twice; nothing when too
    /// much waits.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn ask_gateway(
        &mut self,
        key: GatewayKey,
        order: &Order,
        by: PersonId,
        now: Timestamp,
    ) -> StoreResult<Option<CommandId>> {
        let waiting = self.waiting_commands(key, now).await?;
        if let Some(same) = waiting.iter().find(|command| command.order == *order) {
            return Ok(Some(same.id));
        }
        if waiting.len() >= WAITING_MAX {
            return Ok(None);
        }
        let (account, gateway) = (key.account, key.gateway);
        self.execute(
            "DELETE FROM gateway_command \
             WHERE account_id = $1 AND gateway_id = $2 AND created_ms < $3",
            &[account.into(), gateway.into(), (now - KEPT).into()],
        )
        .await?;
        let id = CommandId(new_id(now));
        self.execute(
            "INSERT INTO gateway_command (account_id, gateway_id, command_id, order_json, \
             asked_by, created_ms) VALUES ($1, $2, $3, $4, $5, $6)",
            &[
                account.into(),
                gateway.into(),
                id.into(),
                json(order)?.into(),
                by.into(),
                now.into(),
            ],
        )
        .await?;
        Ok(Some(id))
    }

    /// What waits to be done by a gateway, in the order in which it was asked.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn waiting_commands(
        &mut self,
        key: GatewayKey,
        now: Timestamp,
    ) -> StoreResult<Vec<Command>> {
        let rows = self
            .query(
                "SELECT command_id, order_json FROM gateway_command \
                 WHERE account_id = $1 AND gateway_id = $2 AND answered_ms IS NULL \
                 AND created_ms > $3 ORDER BY created_ms, command_id",
                &[
                    key.account.into(),
                    key.gateway.into(),
                    (now - ORDER_LIFETIME).into(),
                ],
            )
            .await?;
        let command = |row: &Row| {
            Ok(Command {
                id: CommandId(row.int(0)?),
                order: row.json(1)?,
            })
        };
        rows.iter().map(command).collect()
    }

    /// Keeps the first answer to an order.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn answer_command(
        &mut self,
        key: GatewayKey,
        id: CommandId,
        result: &CommandResult,
        now: Timestamp,
    ) -> StoreResult<Answered> {
        let place = [key.account.into(), key.gateway.into(), id.into()];
        let [account, gateway, command] = place.clone();
        let changed = self
            .execute(
                "UPDATE gateway_command SET result = $4, answered_ms = $5 \
                 WHERE account_id = $1 AND gateway_id = $2 AND command_id = $3 \
                 AND answered_ms IS NULL",
                &[account, gateway, command, json(result)?.into(), now.into()],
            )
            .await?;
        if changed > 0 {
            return Ok(Answered::Kept);
        }
        let found = self
            .query_one(
                "SELECT command_id FROM gateway_command \
                 WHERE account_id = $1 AND gateway_id = $2 AND command_id = $3",
                &place,
            )
            .await?;
        Ok(found.map_or(Answered::Unknown, |_| Answered::Again))
    }

    /// What was last asked of a gateway, the newest first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn latest_commands(
        &mut self,
        key: GatewayKey,
        limit: i64,
    ) -> StoreResult<Vec<Asked>> {
        let rows = self
            .query(
                "SELECT command_id, order_json, asked_by, created_ms, result \
                 FROM gateway_command WHERE account_id = $1 AND gateway_id = $2 \
                 ORDER BY created_ms DESC, command_id DESC LIMIT $3",
                &[key.account.into(), key.gateway.into(), limit.into()],
            )
            .await?;
        rows.iter().map(asked).collect()
    }
}

#[cfg(test)]
mod tests {
    use common::id::{DeviceId, GatewayId};
    use jiff::ToSpan as _;

    use super::*;
    use crate::site::GatewayKind;
    use crate::store::testing::{on_both_engines, start, world};

    fn result(value: &str) -> CommandResult {
        CommandResult {
            at: start(),
            error: Some(value.to_owned()),
            lines: Vec::new(),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_order_waits_until_its_answer_or_ten_minutes() {
        on_both_engines(async |store| {
            let mut t = store.write().await.unwrap();
            let world = world(&mut t, GatewayKind::Gateway).await;
            let key = GatewayKey {
                account: world.account,
                gateway: world.gateway,
            };
            let other = GatewayKey {
                gateway: GatewayId(7),
                ..key
            };
            let (read, by) = (
                Order::Read {
                    device: DeviceId(3),
                },
                PersonId(5),
            );
            let later = start() + 1.minute();
            let first = t.ask_gateway(key, &Order::Diagnose, by, start()).await;
            let first = first.unwrap().unwrap();
            let again = t.ask_gateway(key, &Order::Diagnose, by, later).await;
            assert_eq!(again.unwrap(), Some(first), "it is asked once");
            let second = t.ask_gateway(key, &read, by, later).await.unwrap().unwrap();
            let waiting = t.waiting_commands(key, later).await.unwrap();
            let ids: Vec<_> = waiting.iter().map(|command| command.id).collect();
            assert_eq!(ids, [first, second]);
            assert_eq!(waiting[1].order, read);
            assert_eq!(t.waiting_commands(other, later).await.unwrap(), []);

            let answer = t.answer_command(other, first, &result("a"), later).await;
            assert_eq!(answer.unwrap(), Answered::Unknown);
            for (value, expected) in [("b", Answered::Kept), ("c", Answered::Again)] {
                let answer = t.answer_command(key, first, &result(value), later).await;
                assert_eq!(answer.unwrap(), expected);
            }
            let latest = t.latest_commands(key, 9).await.unwrap();
            let found: Vec<_> = latest
                .iter()
                .map(|asked| (asked.id, asked.result.clone(), asked.is_waiting(later)))
                .collect();
            let expected = [(second, None, true), (first, Some(result("b")), false)];
            assert_eq!(found, expected);
            let too_late = later + ORDER_LIFETIME;
            assert_eq!(t.waiting_commands(key, too_late).await.unwrap(), []);
            assert!(!latest[0].is_waiting(too_late));

            let mut asked = 0;
            for device in 0..100 {
                let order = Order::Read {
                    device: DeviceId(device),
                };
                let id = t.ask_gateway(key, &order, by, too_late).await.unwrap();
                asked += usize::from(id.is_some());
            }
            assert_eq!(asked, WAITING_MAX);
        })
        .await;
    }
}
