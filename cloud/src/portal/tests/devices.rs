//! The devices of a meter: exchanged, reset, multiplied otherwise, and the last one taken back.

use super::*;
use crate::billing::hold::Hold;
use crate::billing::invoice::Period;

const EXCHANGE: [(&str, &str); 10] = [
    ("date", "2026-11-20"),
    ("time", "10:30"),
    ("closing", "1234.5"),
    ("opening", "0"),
    ("device", "new"),
    ("counter", "eastron-sdm630/energy_import/kWh"),
    ("serial", "SN-NEW"),
    ("bus", "main"),
    ("unit_id", "1"),
    ("multiplier", "40"),
];

fn with<'a>(form: &[(&'a str, &'a str)], name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let kept = form.iter().filter(|(field, _)| *field != name).copied();
    kept.chain([(name, value)]).collect()
}

async fn meter_of_norte(world: &World) -> (Browser, String) {
    let administrator = world.administrator().await;
    let integrator = world.integrator(&administrator, "Norte").await;
    let (_, gateway) = world.building(&integrator, "gateway").await;
    let meter = world.meter(&integrator, &gateway, "Local 101", "1").await;
    world.meter(&integrator, &gateway, "Local 102", "2").await;
    (integrator, meter)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_exchanged_once_it_is_sure_and_the_exchange_taken_back() {
    let world = World::new().await;
    let (integrator, meter) = meter_of_norte(&world).await;
    let (path, devices) = (format!("{meter}/exchange"), format!("{meter}/devices"));
    let form = world.get(&integrator, &path).await.text();
    assert!(
        form.contains("value=\"main\""),
        "the old one's place: {form}"
    );
    let asked = world.done(&integrator, &path, &EXCHANGE).await.text();
    assert!(asked.contains("Is this right?"), "{asked}");
    let page = world.get(&integrator, &devices).await.text();
    assert!(!page.contains("SN-NEW"), "only asked: {page}");
    world
        .done(&integrator, &path, &with(&EXCHANGE, "sure", "on"))
        .await;
    let page = world.get(&integrator, &devices).await.text();
    for expected in ["SN-NEW", "1,234.5 kWh", "until now", ">40<"] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let undo = format!("{path}/undo");
    assert_eq!(world.get(&integrator, &undo).await.status, StatusCode::OK);
    world.done(&integrator, &undo, &[]).await;
    let page = world.get(&integrator, &devices).await.text();
    assert!(
        !page.contains("SN-NEW") && !page.contains("1,234.5"),
        "{page}"
    );
    let again = world.ask(&integrator, Method::POST, &undo, &[]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    world
        .done(&integrator, &path, &with(&EXCHANGE, "sure", "on"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_and_another_multiplier_are_the_same_device_again() {
    let world = World::new().await;
    let (integrator, meter) = meter_of_norte(&world).await;
    let reset = with(&with(&EXCHANGE, "device", "same"), "sure", "on");
    let path = format!("{meter}/exchange");
    let half = with(&reset, "opening", "");
    let open = world.ask(&integrator, Method::POST, &path, &half);
    let open = open.await.text();
    assert!(open.contains("write both registers"), "{open}");
    world.done(&integrator, &path, &reset).await;
    let multiplier = [
        ("date", "2026-11-22"),
        ("time", "08:00"),
        ("multiplier", "80"),
        ("sure", "on"),
    ];
    let path = format!("{meter}/multiplier");
    world.done(&integrator, &path, &multiplier).await;
    let register = [("rolls_over_at", "1000000"), ("max_rate", "")];
    let path = format!("{meter}/register");
    world.done(&integrator, &path, &register).await;
    let page = world.get(&integrator, &format!("{meter}/devices")).await;
    let page = page.text();
    for expected in [">80<", ">40<", ">1<", "Begins again at: 1,000,000"] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_exchange_says_at_its_field_what_is_wrong() {
    let world = World::new().await;
    let (integrator, meter) = meter_of_norte(&world).await;
    let path = format!("{meter}/exchange");
    let table = [
        ("date", "2026-10-01", "serves this meter since"),
        ("date", "2026-12-24", "This is in the future"),
        ("date", "yesterday", "“yesterday” is not a date"),
        ("time", "25:00", "“25:00”"),
        ("closing", "-1", "This is no register"),
        ("closing", "99999999999999999999", "This is no register"),
        ("opening", "<b>", "is not a number"),
        ("multiplier", "0", "A multiplier is above zero"),
        ("unit_id", "2", "has a device already"),
        ("unit_id", "248", "Modbus gives devices 1 to 247"),
        ("device", "7", "“7”"),
        ("counter", "acme/x/kWh", "There is no profile “acme”"),
        ("counter", "", "No model is chosen"),
    ];
    for (field, typed, says) in table {
        let form = with(&with(&EXCHANGE, "sure", "on"), field, typed);
        let answer = world.ask(&integrator, Method::POST, &path, &form).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{field} = {typed}"
        );
        let page = answer.text();
        assert!(page.contains(says), "{field} = {typed}: {page}");
        assert!(
            page.contains(&format!("id=\"{field}-error\"")),
            "{field} = {typed}"
        );
    }
    let page = world.get(&integrator, &format!("{meter}/devices")).await;
    assert!(!page.text().contains("SN-NEW"), "nothing was exchanged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_held_for_a_fallen_register_asks_what_happened() {
    let world = World::new().await;
    let (integrator, meter) = meter_of_norte(&world).await;
    let people = world.get(&integrator, "/people").await.text();
    let (account, _) = matrix::first_person(&people);
    let quantity = |value: &str| {
        let value = value.parse().unwrap();
        common::quantity::Quantity::new(value, "kWh".parse().unwrap()).unwrap()
    };
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let hold = Hold::RegisterFell {
        from: at("2026-11-20T18:00:00Z"),
        until: at("2026-11-20T18:30:00Z"),
        before: quantity("999990.5"),
        after: quantity("12"),
    };
    let period = Period {
        from: jiff::civil::date(2026, 11, 1),
        until: jiff::civil::date(2026, 12, 1),
        starts_at: at("2026-11-01T07:00:00Z"),
        ends_at: at("2026-12-01T08:00:00Z"),
    };
    let id = meter.rsplit('/').next().unwrap().parse().unwrap();
    let mut transaction = world.app.store.write().await.unwrap();
    let now = world.app.clock.now();
    transaction
        .hold_invoice(account.parse().unwrap(), id, &period, &hold.to_json(), now)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let page = world.get(&integrator, &meter).await;
    let html = page.text();
    for expected in [
        "What happened to the register?",
        "It began again at zero",
        "It was reset",
    ] {
        assert!(html.contains(expected), "{expected}: {html}");
    }
    let reset = format!(
        "{meter}/exchange?at={}",
        page.after(&format!("{meter}/exchange?at="))
    );
    assert_eq!(world.get(&integrator, &reset).await.status, StatusCode::OK);
    let link = html.split("device=same").next().unwrap();
    let link = link.rsplit("href=\"").next().unwrap();
    let path = format!("{link}device=same&closing=999990.5&opening=12");
    let form = world.get(&integrator, &path).await.text();
    assert!(form.contains("value=\"999990.5\""), "{form}");
    assert!(
        form.contains("value=\"10:30\""),
        "local time of the fall: {form}"
    );
}
