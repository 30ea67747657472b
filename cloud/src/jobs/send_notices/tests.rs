//! The outbox against an SMTP server and a Bot API that do what a test says.

mod servers;

use std::path::Path;

use common::id::PersonId;
use jiff::ToSpan as _;

use self::servers::{Bot, Smtp};
use super::*;
use crate::account::{LinkPurpose, Membership, NewPerson, Role};
use crate::clock::Clock;
use crate::config::{Config, DEFAULT_FILE};
use crate::jobs::answer_telegram::run_forever;
use crate::jobs::close_periods;
use crate::notice::{InvitationContent, NoticeKind, NoticeState, invitation_notice};
use crate::secret;
use crate::site::{Assignment, Delivery, GatewayKind};
use crate::store::Store;
use crate::store::testing::{World, keep_register, new_meter, on_both_engines, start, world};

const NOW: &str = "2026-11-01T15:00:00Z";
/// What the Bot API answers for somebody who blocked the bot.
const BLOCKED: &str = r#"{"ok": false, "error_code": 403,
    "description": "Forbidden: bot was blocked by the user"}"#;
/// What it answers when it is asked too often.
const WAIT: &str = r#"{"ok": false, "error_code": 429,
    "description": "Too Many Requests: retry after 30", "parameters": {"retry_after": 30}}"#;

struct Story {
    app: App,
    world: World,
    person: PersonId,
    smtp: Smtp,
    bot: Bot,
    _folder: tempfile::TempDir,
}

impl Story {
    async fn new(store: Store) -> Self {
        let (smtp, bot) = (Smtp::start().await, Bot::start().await);
        let folder = tempfile::tempdir().unwrap();
        let app = app(store, &smtp, &bot, folder.path());
        let mut t = app.store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Gateway).await;
        let language = "es".parse().unwrap();
        let new = NewPerson::new("ana@example.com", "Ana", language, false).unwrap();
        let person = t.add_person(&new, start()).await.unwrap().id;
        t.verify_email(person, start()).await.unwrap();
        let membership = Membership {
            account: world.account,
            person,
            role: Role::Monitor,
            may_change_settings: false,
        };
        t.set_membership(&membership, start()).await.unwrap();
        t.commit().await.unwrap();
        Self {
            app,
            world,
            person,
            smtp,
            bot,
            _folder: folder,
        }
    }

    /// An invoice of one period becomes due, and goes to Ana.
    async fn invoice(&self, delivery: Delivery) {
        let mut t = self.app.store.write().await.unwrap();
        let account = self.world.account;
        let new = new_meter(&self.world, 1);
        let meter = t
            .register_meter(account, &new, None, start())
            .await
            .unwrap();
        let assignment = Assignment {
            meter: meter.id,
            person: self.person,
            delivery,
        };
        t.set_assignment(account, &assignment).await.unwrap();
        for (at, value) in [
            ("2026-10-01T07:00:01Z", "100"),
            ("2026-11-01T07:00:01Z", "250.5"),
        ] {
            keep_register(&mut t, &self.world, &meter, at, value).await;
        }
        t.commit().await.unwrap();
        let now = NOW.parse().unwrap();
        close_periods::run(&self.app.store, &self.app.profiles, &self.app.issuer, now)
            .await
            .unwrap();
    }

    async fn link_chat(&self, chat: i64) {
        let mut t = self.app.store.write().await.unwrap();
        t.link_telegram(self.person, chat).await.unwrap();
        t.commit().await.unwrap();
    }

    async fn send(&self) {
        run(&self.app, NOW.parse().unwrap()).await.unwrap();
    }

    /// Channel, state and last error of each notice.
    async fn outbox(&self) -> Vec<(Channel, NoticeState, Option<String>)> {
        let mut t = self.app.store.read().await.unwrap();
        let mut notices = t.notices(self.world.account, 99).await.unwrap();
        notices.sort_by_key(|notice| notice.new.channel.code());
        notices
            .into_iter()
            .map(|notice| (notice.new.channel, notice.state, notice.last_error))
            .collect()
    }
}

fn app(store: Store, smtp: &Smtp, bot: &Bot, folder: &Path) -> App {
    let clock = folder.join("clock");
    std::fs::write(&clock, NOW).unwrap();
    let variables = [
        ("MAIL__HOST", "127.0.0.1".to_owned()),
        ("MAIL__PORT", smtp.port.to_string()),
        ("MAIL__TLS", "none".to_owned()),
        ("MAIL__FROM", "Enervue <billing@example.com>".to_owned()),
        ("TELEGRAM__TOKEN", "123:SECRET".to_owned()),
        (
            "TELEGRAM__API_URL",
            format!("http://127.0.0.1:{}", bot.port),
        ),
        ("PUBLIC_URL", "https://enervue.example.com".to_owned()),
    ];
    let variables = variables.map(|(key, value)| (format!("ENERVUE_CLOUD__{key}"), value));
    let config = Config::read(DEFAULT_FILE, "cloud.toml", variables).unwrap();
    App::new(
        store,
        Clock::test(&clock).unwrap(),
        config,
        crate::issuer::tests::key(),
    )
    .unwrap()
}

fn sent() -> NoticeState {
    NoticeState::Sent {
        at: NOW.parse().unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_arrives_once_on_each_channel_with_the_same_figures() {
    on_both_engines(async |store| {
        let story = Story::new(store).await;
        story.link_chat(77).await;
        story.invoice(Delivery::Both).await;
        let runs = (0..3).map(|_| {
            let app = story.app.clone();
            tokio::spawn(async move { run(&app, NOW.parse().unwrap()).await.unwrap() })
        });
        for running in runs.collect::<Vec<_>>() {
            running.await.unwrap();
        }
        story.send().await;
        assert_eq!(
            story.outbox().await,
            [
                (Channel::Email, sent(), None),
                (Channel::Telegram, sent(), None)
            ]
        );
        let mails = story.smtp.mails();
        assert_eq!(mails.len(), 1, "{mails:?}");
        let (recipients, mail) = &mails[0];
        assert_eq!(recipients, &["<ana@example.com>"]);
        assert!(mail.contains("multipart/mixed") && mail.contains("application/pdf"));
        let calls = story.bot.calls();
        assert_eq!(calls.len(), 1, "{calls:?}");
        let (method, body) = &calls[0];
        assert_eq!(method, "senddocument");
        // 150.5 kWh at 3.50.
        for part in [
            "77",
            "$526.75 MXN",
            "150.5 kWh",
            "_2026-10-01_2026-10-31.pdf",
            "%PDF",
        ] {
            assert!(body.contains(part), "{part}: {body}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_given_up_and_what_it_delays_is_tried_again() {
    on_both_engines(async |store| {
        let story = Story::new(store).await;
        story.link_chat(77).await;
        story.invoice(Delivery::Both).await;
        story.smtp.reply_to_recipients("451 4.7.1 come back later");
        story.send().await;
        let outbox = story.outbox().await;
        assert_eq!(outbox[0].1, NoticeState::Due);
        assert!(
            outbox[0].2.as_ref().unwrap().contains("come back later"),
            "{outbox:?}"
        );
        // The other channel was not delayed.
        assert_eq!(outbox[1].1, sent());
        // It waits for its pause, by real time.
        story.smtp.reply_to_recipients("250 ok");
        story.send().await;
        assert_eq!(story.smtp.mails().len(), 0);
    })
    .await;
    on_both_engines(async |store| {
        let story = Story::new(store).await;
        story.invoice(Delivery::Email).await;
        story.smtp.reply_to_recipients("550 5.1.1 no such user");
        story.send().await;
        let outbox = story.outbox().await;
        assert_eq!(outbox[0].1, NoticeState::Failed);
        assert!(
            outbox[0].2.as_ref().unwrap().contains("no such user"),
            "{outbox:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_blocked_the_bot_gets_a_mail() {
    on_both_engines(async |store| {
        let story = Story::new(store).await;
        story.link_chat(77).await;
        story.invoice(Delivery::Telegram).await;
        story.bot.fail(403, BLOCKED);
        story.send().await;
        story.send().await;
        let outbox = story.outbox().await;
        assert_eq!(outbox[0], (Channel::Email, sent(), None));
        assert_eq!(outbox[1].1, NoticeState::Failed);
        assert_eq!(story.smtp.mails().len(), 1);
        let mut t = story.app.store.read().await.unwrap();
        let person = t.person(story.person).await.unwrap().unwrap();
        assert_eq!(person.telegram_chat, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_told_to_wait_is_silent() {
    on_both_engines(async |store| {
        let story = Story::new(store).await;
        story.link_chat(77).await;
        story.invoice(Delivery::Telegram).await;
        story.bot.fail(429, WAIT);
        story.send().await;
        // What becomes due meanwhile waits too, though it was never tried.
        let mut t = story.app.store.write().await.unwrap();
        let now = NOW.parse().unwrap();
        let link = "https://enervue.example.com/password/x";
        let mut new = invitation_notice(story.world.account, story.person, "hash", link, now);
        new.channel = Channel::Telegram;
        t.add_notice(&new, now).await.unwrap();
        t.commit().await.unwrap();
        story.send().await;
        assert_eq!(story.bot.calls().len(), 1);
        // So does another node, which did not hear of it: the notice itself says until when.
        let real_now = story.app.clock.real_now();
        for (seconds, free) in [(15, 1), (31, 2)] {
            let later = real_now + seconds.seconds();
            let mut t = story.app.store.write().await.unwrap();
            let lease = later + 1.minute();
            let claimed = t
                .claim_notices(Channel::Telegram, now, later, lease, 9)
                .await;
            assert_eq!(claimed.unwrap().len(), free, "after {seconds} s");
        }
        let outbox = story.outbox().await;
        assert_eq!(outbox[0].1, NoticeState::Due);
        assert!(!format!("{outbox:?}").contains("SECRET"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_costs_the_notices_behind_the_first_no_try() {
    on_both_engines(async |store| {
        let story = Story::new(store).await;
        let mut t = story.app.store.write().await.unwrap();
        for n in 0..3 {
            let link = format!("https://enervue.example.com/password/{n}");
            let now = NOW.parse().unwrap();
            let hash = n.to_string();
            let new = invitation_notice(story.world.account, story.person, &hash, &link, now);
            t.add_notice(&new, now).await.unwrap();
        }
        t.commit().await.unwrap();
        story.smtp.stop().await;
        story.send().await;
        let mut t = story.app.store.read().await.unwrap();
        let notices = t.notices(story.world.account, 9).await.unwrap();
        let mut attempts: Vec<_> = notices.iter().map(|notice| notice.attempts).collect();
        attempts.sort_unstable();
        assert_eq!(attempts, [0, 0, 1]);
        assert!(
            notices
                .iter()
                .all(|notice| notice.state == NoticeState::Due)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_an_invitation_is_forgotten_once_it_is_sent() {
    on_both_engines(async |store| {
        let story = Story::new(store).await;
        let now = NOW.parse().unwrap();
        let link = "https://enervue.example.com/password/SECRET";
        let new = invitation_notice(story.world.account, story.person, "hash", link, now);
        let content = InvitationContent {
            link: link.to_owned(),
        };
        assert_eq!(new.content, serde_json::to_string(&content).unwrap());
        let mut t = story.app.store.write().await.unwrap();
        t.add_notice(&new, now).await.unwrap();
        t.commit().await.unwrap();
        story.send().await;
        assert!(story.smtp.mails()[0].1.contains("/password/SECRET"));
        let mut t = story.app.store.read().await.unwrap();
        let kept = &t.notices(story.world.account, 9).await.unwrap()[0];
        assert_eq!(kept.new.kind, NoticeKind::Invitation);
        assert_eq!((&*kept.new.content, &kept.state), ("{}", &sent()));
    })
    .await;
}

#[test]
fn pauses_double_up_to_an_hour() {
    let seconds = [1, 2, 3, 9, 10, 56].map(|attempts| back_off(attempts).as_secs());
    assert_eq!(seconds, [10, 20, 40, 2560, 3600, 3600]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_is_linked_by_a_link_that_works_once_in_private_and_in_time() {
    on_both_engines(async |store| {
        let story = Story::new(store).await;
        let now: Timestamp = NOW.parse().unwrap();
        let mut t = story.app.store.write().await.unwrap();
        for (token, made_at) in [("good", now), ("old", now - 10.minutes()), ("group", now)] {
            let hash = secret::hash(token);
            let purpose = LinkPurpose::Telegram;
            t.add_link(&hash, purpose, story.person, made_at)
                .await
                .unwrap();
        }
        t.commit().await.unwrap();
        let telegram = story.app.telegram.clone().unwrap();
        let link = telegram.start_link("good").await.unwrap();
        assert_eq!(link, "https://t.me/enervue_bot?start=good");

        let listening = tokio::spawn(run_forever(story.app.clone()));
        let dialogue = [
            ("group", 5, "/start group", "chats privados"),
            ("private", 5, "/start old", "ya no vale"),
            ("private", 5, "/start guess", "ya no vale"),
            ("private", 5, "hola", "Entrego las facturas"),
            ("private", 5, "/start good", "Listo, Ana"),
            ("private", 6, "/start good", "ya no vale"),
            ("private", 6, "/stop", "no está vinculado"),
            ("private", 5, "/stop", "ya no recibe nada"),
        ];
        for (kind, chat, text, expected) in dialogue {
            let said = story.bot.hear(kind, chat, text).await;
            assert!(said.contains(expected), "{text}: {said}");
            let mut t = story.app.store.read().await.unwrap();
            let person = t.person(story.person).await.unwrap().unwrap();
            let linked = (text, chat) == ("/start good", 5) || chat == 6;
            assert_eq!(
                person.telegram_chat,
                linked.then_some(5),
                "{text} in {chat}"
            );
        }
        listening.abort();
    })
    .await;
}
