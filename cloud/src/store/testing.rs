//! A store of each engine for a test.

use super::Store;

/// Where the tests find a PostgreSQL in which they may make databases.
const POSTGRES: &str = "ENERVUE_TEST_POSTGRES";

/// Runs `test` on a new SQLite database and then on a new PostgreSQL database.
///
/// # Panics
/// When there is no PostgreSQL: `tests/run` starts one and says where it is.
pub(crate) async fn on_both_engines(test: impl AsyncFn(Store)) {
    on_sqlite(&test).await;
    let server = std::env::var(POSTGRES)
        .unwrap_or_else(|_| panic!("{POSTGRES} is not set: run tests/run core"));
    let name = format!("test_{:016x}", rand::random::<u64>());
    let (client, connection) =
        tokio_postgres::connect(&format!("{server}/postgres"), tokio_postgres::NoTls)
            .await
            .unwrap_or_else(|error| panic!("{server}: {error}"));
    let connection = tokio::spawn(connection);
    client
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    test(Store::open(&format!("{server}/{name}")).await.unwrap()).await;
    client
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .await
        .unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

/// Runs `test` on a new SQLite database.
pub(crate) async fn on_sqlite(test: impl AsyncFn(Store)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("enervue.db");
    test(Store::open(path.to_str().unwrap()).await.unwrap()).await;
}
