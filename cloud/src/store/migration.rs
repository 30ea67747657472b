//! Brings a database's schema up to date: numbered scripts, each run once, never edited.

use super::{Store, StoreError, StoreResult, Value};

const SCRIPTS: &[(i64, &str)] = &[(1, include_str!("../../migrations/0001_initial.sql"))];

pub(super) async fn run(store: &Store) -> StoreResult<()> {
    let mut transaction = store.write().await?;
    transaction
        .run_script("CREATE TABLE IF NOT EXISTS schema_version (\n  version BIGINT NOT NULL PRIMARY KEY\n);")
        .await?;
    let found = transaction
        .query_one("SELECT COALESCE(MAX(version), 0) FROM schema_version", &[])
        .await?
        .map_or(Ok(0), |row| row.int(0))?;
    let known = SCRIPTS
        .iter()
        .map(|(version, _)| *version)
        .max()
        .unwrap_or(0);
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for (version, script) in SCRIPTS.iter().filter(|(version, _)| *version > found) {
        transaction.run_script(script).await?;
        transaction
            .execute(
                "INSERT INTO schema_version (version) VALUES ($1)",
                &[Value::Int(*version)],
            )
            .await?;
    }
    transaction.commit().await
}
