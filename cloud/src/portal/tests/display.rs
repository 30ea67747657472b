//! Stories of people who look at their display.

use super::invoices::Story;
use super::*;

/// The reading of the first of December, at which the story's invoice ends.
const ABOUT: &str = "1796112001000";

impl Story {
    fn display(&self) -> String {
        format!("{}/display?about={ABOUT}", self.meter)
    }

    async fn says(&self, browser: &Browser, form: &[(&str, &str)]) -> Answer {
        self.world
            .ask(browser, Method::POST, &self.display(), form)
            .await
    }

    /// A minute goes by.
    fn later(&self) {
        let clock = &self.world.app.clock;
        let later = clock.now() + jiff::SignedDuration::from_mins(1);
        clock.set(later).unwrap();
    }

    async fn board(&self) -> String {
        self.world.get(&self.integrator, "/billing").await.text()
    }

    /// What the integrator sees of the answers.
    async fn filed(&self) -> String {
        let page = self.world.get(&self.integrator, &self.meter).await.text();
        let found = page.split_once("What people read off the display");
        found.map_or(String::new(), |(_, rest)| {
            rest.split("</table>").next().unwrap().to_owned()
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_names_the_last_reading_on_both_pages_in_their_languages() {
    let story = Story::new().await;
    let action = format!("action=\"{}\"", story.display());
    let invoice = story.world.get(&story.monitor, &story.path()).await.text();
    for words in [
        "¿Su pantalla marca esto?",
        "12,690.4 kWh",
        "Leído el 1 dic 2026, 00:00",
        action.as_str(),
    ] {
        assert!(invoice.contains(words), "{words}: {invoice}");
    }
    let meter = story.world.get(&story.monitor, &story.meter).await.text();
    assert!(meter.contains("Does your display read this?"), "{meter}");
    assert!(meter.contains(&action), "{meter}");
    assert!(!meter.contains("What people read"), "{meter}");
    // Two days later nothing has come: there is nothing to compare with.
    let later = "2026-12-03T16:00:00Z".parse().unwrap();
    story.world.app.clock.set(later).unwrap();
    let silent = story.world.get(&story.monitor, &story.path()).await;
    assert!(!silent.text().contains("¿Su pantalla"), "{}", silent.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn yes_is_filed_once_and_a_little_more_agrees_too() {
    let story = Story::new().await;
    // A double click.
    for _ in 0..2 {
        let said = story.says(&story.monitor, &[("answer", "yes")]).await;
        let expected = format!("{}?done=display-agrees", story.meter);
        assert_eq!(said.location(), expected);
    }
    // Eight hours after the reading it has counted on.
    story.later();
    let more = story.says(&story.monitor, &[("shown", "12693,1")]).await;
    assert!(
        more.location().ends_with("display-agrees"),
        "{}",
        more.text()
    );
    let filed = story.filed().await;
    assert_eq!(filed.matches("Agrees").count(), 2, "{filed}");
    assert_eq!(filed.matches("Ana").count(), 2, "{filed}");
    assert!(!story.board().await.contains("off the display"));
    let own = story.world.get(&story.monitor, &story.path()).await.text();
    assert!(own.contains("marcaba 12,693.1 kWh"), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_shown_to_whoever_bills_until_they_have_looked() {
    let story = Story::new().await;
    let said = story.says(&story.monitor, &[("shown", "8812.7")]).await;
    let expected = format!("{}?done=display-differs", story.meter);
    assert_eq!(said.location(), expected);
    let filed = story.filed().await;
    for words in ["Differs", "Ana", "8,812.7 kWh", "12,690.4 kWh"] {
        assert!(filed.contains(words), "{words}: {filed}");
    }
    let board = story.board().await;
    assert!(
        board.contains("somebody read 8,812.7 kWh off the display"),
        "{board}"
    );
    let page = story
        .world
        .get(&story.integrator, &story.meter)
        .await
        .text();
    assert!(page.contains("class=\"problem\">On Dec 1, 2026"), "{page}");
    let own = story.world.get(&story.monitor, &story.meter).await.text();
    assert!(!own.contains("somebody read"), "{own}");
    // The bill is not changed, nor stopped.
    let invoice = story.world.get(&story.monitor, &story.path()).await.text();
    assert!(invoice.contains("$1,206.80 MXN"), "{invoice}");
    story.later();
    story.says(&story.integrator, &[("answer", "yes")]).await;
    let board = story.board().await;
    assert!(!board.contains("off the display"), "{board}");
    assert!(
        story.filed().await.contains("Differs"),
        "an answer was lost"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_comes_back_and_a_game_ends() {
    let story = Story::new().await;
    for (typed, words) in [
        ("", "Nothing is typed here: please fill it in"),
        ("about ten", "is not a number"),
        ("-3", "No display shows that"),
        ("99999999999999999999", "No display shows that"),
    ] {
        let said = story.says(&story.monitor, &[("shown", typed)]).await;
        assert_eq!(said.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(said.text().contains(words), "{typed}: {}", said.text());
    }
    assert_eq!(story.filed().await, "");
    for n in 0..20 {
        let shown = format!("12690.{n:02}");
        let said = story.says(&story.monitor, &[("shown", &shown)]).await;
        assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.text());
    }
    let said = story.says(&story.monitor, &[("answer", "yes")]).await;
    assert_eq!(said.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        said.text().contains("looked at often today"),
        "{}",
        said.text()
    );
    // An address that names no reading asks about the newest one.
    let form = format!("{}/display?about=7", story.meter);
    let form = story.world.get(&story.monitor, &form).await.text();
    assert!(
        form.contains(&format!("action=\"{}\"", story.display())),
        "{form}"
    );
    let shut = story.says(&story.rival, &[("answer", "yes")]).await;
    assert_eq!(shut.status, StatusCode::NOT_FOUND);
}
