//! What is done without anybody asking: each job in a file of its own, idempotent, so that
//! running one twice, or on two machines at once, does what running it once does.

pub mod answer_telegram;
pub mod close_periods;
pub mod send_notices;
pub mod watch_silence;

use std::time::Duration;

use jiff::Timestamp;

use crate::run::App;

/// How often it is looked whether anything is due.
const PERIOD: Duration = Duration::from_secs(2);

/// Does what is due by `now`: closes periods, watches for silence, sends. One job's trouble
/// does not keep the others.
///
/// # Errors
/// With the first trouble, after all jobs have run.
pub async fn run_due(app: &App, now: Timestamp) -> anyhow::Result<()> {
    let closed = close_periods::run(&app.store, &app.profiles, &app.issuer, now).await;
    app.metrics
        .job("close_periods", closed.is_ok(), app.clock.real_now());
    let watched = watch_silence::run(&app.store, now, |gateway| app.may_yet_hear(gateway)).await;
    app.metrics
        .job("watch_silence", watched.is_ok(), app.clock.real_now());
    let sent = send_notices::run(app, now).await;
    app.metrics
        .job("send_notices", sent.is_ok(), app.clock.real_now());
    closed.and(watched).and(sent)
}

/// Does what is due, again and again, for as long as it is let.
pub async fn run_forever(app: App) {
    loop {
        let turn = app.turn.lock().await;
        let done = run_due(&app, app.clock.now()).await;
        drop(turn);
        if let Err(error) = done {
            tracing::error!(
                error = format!("{error:#}"),
                "a job failed and is tried again"
            );
        }
        tokio::time::sleep(PERIOD).await;
    }
}
