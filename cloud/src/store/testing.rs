//! A store of each engine for a test, and a small world in it.

use common::id::{AccountId, GatewayId, SiteId};
use common::quantity::Quantity;
use common::unit::{Medium, Unit};
use jiff::Timestamp;
use jiff::civil::date;
use rust_decimal::Decimal;

use super::meters::NewMeter;
use super::{Column, Store, Transaction};
use crate::plan::{Cycle, Plan};
use crate::site::{GatewayKind, Meter, Zone};

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

/// The instant at which the stories begin.
pub(crate) fn start() -> Timestamp {
    "2026-10-01T07:00:00Z".parse().unwrap()
}

/// A building with a gateway in an account, and terms for its meters.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) account: AccountId,
    pub(crate) site: SiteId,
    pub(crate) gateway: GatewayId,
}

/// An account with one building and one gateway.
pub(crate) async fn world(transaction: &mut Transaction, kind: GatewayKind) -> World {
    let now = start();
    let account = transaction.add_account("Meridian", now).await.unwrap().id;
    let zone = Zone::new("America/Tijuana").unwrap();
    let locale = "es-MX".parse().unwrap();
    let site = transaction
        .add_site(account, "Plaza Norte", &zone, locale, now)
        .await
        .unwrap()
        .id;
    let gateway = transaction
        .add_gateway(account, site, "Sótano", kind, now)
        .await
        .unwrap()
        .id;
    World {
        account,
        site,
        gateway,
    }
}

/// An electric meter that is about to be registered at a unit id of the world's gateway.
pub(crate) fn new_meter(world: &World, unit_id: u8) -> NewMeter {
    let zone = Zone::new("America/Tijuana").unwrap();
    let plan = Plan::flat(
        date(2026, 10, 1),
        zone.clone(),
        Cycle::monthly(31).unwrap(),
        "MXN".parse().unwrap(),
        Decimal::new(350, 2),
    );
    NewMeter {
        label: format!("Local {unit_id}"),
        medium: Medium::Electric,
        unit: Unit::KiloWh,
        locale: "es-MX".parse().unwrap(),
        zone,
        gateway: world.gateway,
        bus: "main".to_owned(),
        unit_id,
        profile: "eastron-sdm120".to_owned(),
        point: "energy_import".to_owned(),
        serial_number: String::new(),
        poll_period_s: 60,
        mounted_at: start(),
        multiplier: Decimal::ONE,
        plan,
        next_close_at: "2026-11-01T07:00:00Z".parse().unwrap(),
    }
}

/// Keeps the reading of a register at `at`, with the next number of the epoch.
pub(crate) async fn keep_register(
    transaction: &mut Transaction,
    world: &World,
    meter: &Meter,
    at: &str,
    value: &str,
) {
    const COLUMNS: [Column; 15] = [
        Column::Int("account_id"),
        Column::Int("gateway_id"),
        Column::Int("epoch"),
        Column::Int("seq"),
        Column::Int("device_id"),
        Column::Text("point"),
        Column::Int("at_ms"),
        Column::Text("clock"),
        Column::Int("count"),
        Column::Int("decimals"),
        Column::Text("unit"),
        Column::Text("raw"),
        Column::Text("profile"),
        Column::Text("closes"),
        Column::Int("received_ms"),
    ];
    let at: Timestamp = at.parse().unwrap();
    let (device, mounting) = transaction
        .device_of_meter(world.account, meter.id)
        .await
        .unwrap()
        .unwrap();
    let value: Decimal = value.parse().unwrap();
    let quantity = Quantity::new(value, meter.unit).unwrap();
    let seq = at.as_second() + i64::from(device.unit_id);
    let date = meter.zone.rules().to_datetime(at).date();
    let row = vec![
        world.account.into(),
        world.gateway.into(),
        1.into(),
        seq.into(),
        device.id.into(),
        mounting.point.as_str().into(),
        at.into(),
        "trusted".into(),
        quantity.count().into(),
        i64::from(quantity.decimals()).into(),
        meter.unit.code().into(),
        "0000 0000".into(),
        "eastron-sdm120@0".into(),
        date.into(),
        at.into(),
    ];
    let new = transaction.insert_new("reading", &COLUMNS, &[row]).await;
    assert_eq!(new.unwrap(), 1);
    transaction
        .raise_last_good(world.account, meter.id, at)
        .await
        .unwrap();
}
