//! Who sees which meter, and how its invoices reach them.

use common::id::{AccountId, MeterId, PersonId};

use super::people::{PERSON_COLUMNS, person};
use super::{Row, StoreResult, Transaction};
use crate::account::Person;
use crate::site::{Assignment, Delivery};

fn assignment(row: &Row, first: usize) -> StoreResult<Assignment> {
    Ok(Assignment {
        meter: MeterId(row.int(first)?),
        person: PersonId(row.int(first + 1)?),
        delivery: row.coded(first + 2, Delivery::from_code)?,
    })
}

impl Transaction {
    /// Assigns a meter to a person, or changes how its invoices reach them.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn set_assignment(
        &mut self,
        account: AccountId,
        assignment: &Assignment,
    ) -> StoreResult<()> {
        self.execute(
            "INSERT INTO assignment (account_id, meter_id, person_id, channel) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (account_id, meter_id, person_id) \
             DO UPDATE SET channel = excluded.channel",
            &[
                account.into(),
                assignment.meter.into(),
                assignment.person.into(),
                assignment.delivery.code().into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Takes a meter away from a person.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn remove_assignment(
        &mut self,
        account: AccountId,
        meter: MeterId,
        person: PersonId,
    ) -> StoreResult<()> {
        self.execute(
            "DELETE FROM assignment \
             WHERE account_id = $1 AND meter_id = $2 AND person_id = $3",
            &[account.into(), meter.into(), person.into()],
        )
        .await?;
        Ok(())
    }

    /// The people a meter is assigned to, by name.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn assignments_of_meter(
        &mut self,
        account: AccountId,
        meter: MeterId,
    ) -> StoreResult<Vec<(Person, Assignment)>> {
        let sql = concat!(
            "SELECT ",
            super::people::person_columns!(),
            ", assignment.meter_id, assignment.person_id, assignment.channel FROM assignment \
             JOIN person ON person.person_id = assignment.person_id \
             WHERE assignment.account_id = $1 AND assignment.meter_id = $2 \
             ORDER BY person.name, person.person_id"
        );
        let rows = self.query(sql, &[account.into(), meter.into()]).await?;
        rows.iter()
            .map(|row| Ok((person(row)?, assignment(row, PERSON_COLUMNS)?)))
            .collect()
    }

    /// What is assigned to a person in an account.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn assignments_of_person(
        &mut self,
        account: AccountId,
        person: PersonId,
    ) -> StoreResult<Vec<Assignment>> {
        let rows = self
            .query(
                "SELECT meter_id, person_id, channel FROM assignment \
                 WHERE account_id = $1 AND person_id = $2 ORDER BY meter_id",
                &[account.into(), person.into()],
            )
            .await?;
        rows.iter().map(|row| assignment(row, 0)).collect()
    }
}
