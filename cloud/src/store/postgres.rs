//! The store on PostgreSQL, for more than one machine.

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::types::ToSql;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Column, Row, StoreError, StoreResult, Value};

/// Connections of one process; PostgreSQL allows 100 to all of them by default.
const CONNECTIONS_MAX: usize = 16;

/// The text of an error: the driver's own says no more than "db error".
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(
        || error.to_string(),
        |database| format!("{} ({})", database.message(), database.code().code()),
    )
}

/// A pool of connections.
#[derive(Debug, Clone)]
pub(super) struct Postgres {
    pool: Pool,
}

impl Postgres {
    pub(super) fn connect(address: &str) -> StoreResult<Self> {
        let config: tokio_postgres::Config = address.parse()?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let manager = Manager::from_config(
            config,
            MakeRustlsConnect::new(tls),
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager).max_size(CONNECTIONS_MAX).build();
        Ok(Self {
            pool: pool.map_err(|error| StoreError::Pool(error.to_string()))?,
        })
    }

    pub(super) async fn begin(&self, read_only: bool) -> StoreResult<PostgresTransaction> {
        let client = self
            .pool
            .get()
            .await
            .map_err(|error| StoreError::Pool(error.to_string()))?;
        let begin = if read_only {
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        } else {
            "BEGIN"
        };
        client.batch_execute(begin).await?;
        Ok(PostgresTransaction {
            client: Some(client),
        })
    }
}

/// A transaction on one connection, which is there until the end of it.
#[derive(Debug)]
pub(super) struct PostgresTransaction {
    client: Option<Object>,
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}

impl PostgresTransaction {
    fn client(&self) -> StoreResult<&Object> {
        self.client
            .as_ref()
            .ok_or_else(|| StoreError::Pool("the transaction is over".to_owned()))
    }

    pub(super) async fn execute(&mut self, sql: &str, values: &[Value]) -> StoreResult<u64> {
        let client = self.client()?;
        let statement = client.prepare_cached(sql).await?;
        Ok(client.execute(&statement, &parameters(values)).await?)
    }

    pub(super) async fn query(&mut self, sql: &str, values: &[Value]) -> StoreResult<Vec<Row>> {
        let client = self.client()?;
        let statement = client.prepare_cached(sql).await?;
        let rows = client.query(&statement, &parameters(values)).await?;
        let read = |row: tokio_postgres::Row| {
            (0..row.len())
                .map(|column| row.try_get(column))
                .collect::<Result<_, _>>()
                .map(Row)
        };
        Ok(rows.into_iter().map(read).collect::<Result<_, _>>()?)
    }

    /// One statement for all rows: an array for each column.
    pub(super) async fn insert_new(
        &mut self,
        table: &str,
        columns: &[Column],
        rows: &[Vec<Value>],
    ) -> StoreResult<u64> {
        let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
        let arrays: Vec<String> = columns
            .iter()
            .zip(1..)
            .map(|(column, n)| match column {
                Column::Int(_) => format!("${n}::bigint[]"),
                Column::Text(_) => format!("${n}::text[]"),
            })
            .collect();
        let sql = format!(
            "INSERT INTO {table} ({}) SELECT * FROM UNNEST({}) ON CONFLICT DO NOTHING",
            names.join(", "),
            arrays.join(", ")
        );
        let values: Vec<Vec<Value>> = (0..columns.len())
            .map(|n| {
                rows.iter()
                    .map(|row| row.get(n).cloned().unwrap_or(Value::Null))
                    .collect()
            })
            .collect();
        let parameters: Vec<&(dyn ToSql + Sync)> = values
            .iter()
            .map(|array| array as &(dyn ToSql + Sync))
            .collect();
        let client = self.client()?;
        let statement = client.prepare_cached(&sql).await?;
        Ok(client.execute(&statement, &parameters).await?)
    }

    pub(super) async fn run_script(&mut self, script: &str) -> StoreResult<()> {
        Ok(self.client()?.batch_execute(script).await?)
    }

    pub(super) async fn commit(mut self) -> StoreResult<()> {
        self.client()?.batch_execute("COMMIT").await?;
        // Only now may the connection serve others.
        drop(self.client.take());
        Ok(())
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        // Not committed: close the connection, and the server undoes the work.
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}
