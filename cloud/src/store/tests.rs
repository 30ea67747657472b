//! Both engines behave alike under the one layer.

use super::testing::on_both_engines;
use super::{Column, Store, Value};

const INSERT: &str = "INSERT INTO account (account_id, name, contact, next_invoice_number, created_ms) VALUES ($1, $2, '', $3, $4)";

async fn insert(store: &Store, id: i64, name: &str) -> super::StoreResult<()> {
    let mut transaction = store.write().await?;
    let values = [
        Value::Int(id),
        Value::from(name),
        Value::Int(1),
        Value::Int(0),
    ];
    transaction.execute(INSERT, &values).await?;
    transaction.commit().await
}

async fn names(store: &Store) -> Vec<String> {
    let mut reader = store.read().await.unwrap();
    let rows = reader
        .query("SELECT name FROM account ORDER BY account_id", &[])
        .await
        .unwrap();
    rows.iter()
        .map(|row| row.text(0).unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_committed_never_was() {
    on_both_engines(async |store| {
        insert(&store, 1, "kept").await.unwrap();
        let mut transaction = store.write().await.unwrap();
        let values = [
            Value::Int(2),
            Value::from("lost"),
            Value::Int(1),
            Value::Int(0),
        ];
        assert_eq!(transaction.execute(INSERT, &values).await.unwrap(), 1);
        drop(transaction);
        assert_eq!(names(&store).await, ["kept"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_key_is_a_conflict_and_the_store_goes_on() {
    on_both_engines(async |store| {
        insert(&store, 1, "first").await.unwrap();
        assert!(insert(&store, 1, "second").await.unwrap_err().is_conflict());
        insert(&store, 2, "third").await.unwrap();
        assert_eq!(names(&store).await, ["first", "third"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_insert_takes_what_is_new_and_keeps_nulls() {
    const COLUMNS: [Column; 4] = [
        Column::Text("link_hash"),
        Column::Text("purpose"),
        Column::Int("person_id"),
        Column::Int("expires_ms"),
    ];
    on_both_engines(async |store| {
        let row = |hash: &str| vec![Value::from(hash), "password".into(), 1.into(), 9.into()];
        let mut transaction = store.write().await.unwrap();
        let table = "one_time_link";
        let new = transaction
            .insert_new(table, &COLUMNS, &[row("a"), row("b")])
            .await
            .unwrap();
        assert_eq!(new, 2);
        let new = transaction
            .insert_new(table, &COLUMNS, &[row("b"), row("c")])
            .await
            .unwrap();
        assert_eq!(new, 1);
        let found = transaction
            .query(
                "SELECT used_ms, expires_ms FROM one_time_link WHERE link_hash = $1",
                &["c".into()],
            )
            .await
            .unwrap();
        assert_eq!(found.first().unwrap().optional_int(0).unwrap(), None);
        assert_eq!(found.first().unwrap().int(1).unwrap(), 9);
        transaction.commit().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_work_beside_a_writer_and_see_the_last_commit() {
    on_both_engines(async |store| {
        insert(&store, 1, "before").await.unwrap();
        let mut writer = store.write().await.unwrap();
        writer
            .execute("UPDATE account SET name = $1", &["after".into()])
            .await
            .unwrap();
        assert_eq!(names(&store).await, ["before"]);
        writer.commit().await.unwrap();
        assert_eq!(names(&store).await, ["after"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_database_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("enervue.db");
    let location = path.to_str().unwrap();
    let first = Store::open(location).await.unwrap();
    let second = Store::open(location).await.unwrap_err().to_string();
    assert!(second.contains("in use by another process"), "{second}");
    drop(first);
    assert!(Store::open(location).await.is_ok());
}
