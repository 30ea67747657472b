//! Brings a database's schema up to date: numbered scripts, each run once, never edited.

use super::{Store, StoreError, StoreResult, Value};

/// A step: in the portable subset first, then what each engine says in its own words.
struct Step {
    version: i64,
    script: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

const STEPS: &[Step] = &[Step {
    version: 1,
    script: include_str!("../../migrations/0001_initial.sql"),
    sqlite: include_str!("../../migrations/0001_final.sqlite.sql"),
    postgres: include_str!("../../migrations/0001_final.postgres.sql"),
}];

pub(super) async fn run(store: &Store) -> StoreResult<()> {
    let mut transaction = store.write().await?;
    transaction
        .run_script("CREATE TABLE IF NOT EXISTS schema_version (\n  version BIGINT NOT NULL PRIMARY KEY\n);")
        .await?;
    let found = transaction
        .query_one("SELECT COALESCE(MAX(version), 0) FROM schema_version", &[])
        .await?
        .map_or(Ok(0), |row| row.int(0))?;
    let known = STEPS.iter().map(|step| step.version).max().unwrap_or(0);
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for step in STEPS.iter().filter(|step| step.version > found) {
        transaction.run_script(step.script).await?;
        transaction.run_native(step.sqlite, step.postgres).await?;
        transaction
            .execute(
                "INSERT INTO schema_version (version) VALUES ($1)",
                &[Value::Int(step.version)],
            )
            .await?;
    }
    transaction.commit().await
}
