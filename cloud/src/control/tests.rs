//! The two ends of the control socket.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{AskError, Request, Server, ask};
use crate::clock::Clock;
use crate::command::{UserAdd, UserAdded};
use crate::config::{Config, DEFAULT_FILE};
use crate::run::App;
use crate::store::Store;

async fn app(folder: &Path) -> App {
    let database = folder.join("enervue.db");
    let store = Store::open(database.to_str().unwrap()).await.unwrap();
    let config = Config::read(DEFAULT_FILE, "", []).unwrap();
    App::new(store, Clock::real(), config, crate::issuer::tests::key()).unwrap()
}

fn user(email: &str) -> Request {
    Request::UserAdd(UserAdd {
        email: email.to_owned(),
        name: "Ana".to_owned(),
        language: "es".to_owned(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_or_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run").join("control.sock");
    let ana = user("Ana@example.com");
    let nobody = ask(&path, &ana, |_| {}).await.unwrap_err();
    assert!(matches!(nobody, AskError::NoServer { .. }), "{nobody}");

    let server = Server::bind(&path).unwrap();
    assert!(Server::bind(&path).is_err(), "one server owns it");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let app = app(folder.path()).await;
    let running = tokio::spawn(server.run(app.clone()));

    let added = ask(&path, &ana, |_| {}).await.unwrap();
    let added: UserAdded = serde_json::from_value(added).unwrap();
    assert_eq!(added.email, "ana@example.com");
    assert!(added.link.starts_with("http://127.0.0.1:8080/password/"));
    let mut reader = app.store.read().await.unwrap();
    let person = reader.person_by_email("ana@example.com").await.unwrap();
    assert!(person.unwrap().administrator);
    drop(reader);
    // Again is no trouble: another link, the same person.
    assert!(ask(&path, &ana, |_| {}).await.is_ok());

    let refused = ask(&path, &user("ana"), |_| {}).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("'ana' is not an e-mail address")
    );
    let to = "2030-01-01T00:00:00Z".parse().unwrap();
    let refused = ask(&path, &Request::ClockAdvance { to }, |_| {}).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("--test-clock"), "{refused}");

    running.abort();
    let _ = running.await;
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_left_behind_is_no_hindrance() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    // A listener of std leaves its socket, as a kill does.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let server = Server::bind(&path).unwrap();
    let app = app(folder.path()).await;
    tokio::spawn(server.run(app));
    assert!(ask(&path, &user("ana@example.com"), |_| {}).await.is_ok());
}
