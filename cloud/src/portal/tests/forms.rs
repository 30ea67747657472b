//! What a wrong form says: at the field, what is wrong and what would be right.

use super::*;

/// The form of a meter with one field changed: the answer, as text.
async fn refused(
    world: &World,
    integrator: &Browser,
    gateway: &str,
    field: &str,
    typed: &str,
) -> String {
    let mut form = meter_form("Local 101", "1");
    for pair in &mut form {
        if pair.0 == field {
            pair.1 = typed;
        }
    }
    let path = format!("{gateway}/meters");
    let answer = world.ask(integrator, Method::POST, &path, &form).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{field} = {typed}"
    );
    assert!(
        answer.text().contains("value=\"Local 101\"") || field == "label",
        "typed is lost"
    );
    answer.text()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_field_gets_its_sentence() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let integrator = world.integrator(&administrator, "Norte").await;
    let (_, gateway) = world.building(&integrator, "gateway").await;
    let table = [
        ("price", "-1", "The price is -1: it must be between 0"),
        ("price", "cheap", "“cheap” is not a number"),
        (
            "price",
            "1,234",
            "can be read in two ways. Write 1234 or 1.2340",
        ),
        ("price", "0.0000001", "more than 6 decimals"),
        ("minimum", "-5", "The minimum is -5"),
        ("cutoff_day", "32", "The cutoff day is 32: choose 1 to 31"),
        ("cutoff_day", "x", "“x” is not a whole number"),
        ("send_hour", "24", "The hour is 24: choose 0 to 23"),
        (
            "zone",
            "America/Tijuanna",
            "There is no time zone “America/Tijuanna”",
        ),
        ("locale", "fr-FR", "“fr-FR” is not a language"),
        ("currency", "ZZZ", "There is no currency “ZZZ”"),
        (
            "counter",
            "acme-9000/energy/kWh",
            "There is no profile “acme-9000”",
        ),
        ("counter", "", "No model is chosen"),
        (
            "unit_id",
            "300",
            "The unit id is 300: Modbus gives devices 1 to 247",
        ),
        ("unit_id", "0", "The unit id is 0"),
        ("from", "2026-02-30", "“2026-02-30” is not a date"),
        ("from", "1999-01-01", "The first day is too far away"),
        ("label", "", "Nothing is typed here"),
        (
            "label",
            "a\r\nBcc: all",
            "a line break or an invisible character",
        ),
        ("bus", &"x".repeat(121), "This is too long"),
    ];
    for (field, typed, says) in table {
        let page = refused(&world, &integrator, &gateway, field, typed).await;
        assert!(page.contains(says), "{field} = {typed}: {page}");
        assert!(
            page.contains(&format!("id=\"{field}-error\"")),
            "{field} = {typed}"
        );
    }
    let meters = world.get(&integrator, "/meters").await.text();
    assert!(
        !meters.contains("Local 101"),
        "a refused form registers nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_reads_six_and_a_place_is_taken_once() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let integrator = world.integrator(&administrator, "Norte").await;
    let (_, card) = world.building(&integrator, "connektor").await;
    let ids = ["1", "2", "3", "4", "5"];
    for unit_id in ids {
        world.meter(&integrator, &card, unit_id, unit_id).await;
    }
    let twin = meter_form("Twin", "5");
    let path = format!("{card}/meters");
    let taken = world.ask(&integrator, Method::POST, &path, &twin).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        taken
            .text()
            .contains("Unit id 5 on bus “main” has a device already")
    );
    world.meter(&integrator, &card, "6", "6").await;
    let seventh = meter_form("Seventh", "7");
    let full = world.ask(&integrator, Method::POST, &path, &seventh).await;
    assert_eq!(full.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        full.text().contains("reads 6 meters already"),
        "{}",
        full.text()
    );
}
