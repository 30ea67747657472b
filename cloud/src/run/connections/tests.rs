//! Clients that dawdle, over real sockets.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

/// Short, so that the tests are.
const LIMITS: Limits = Limits {
    connections: 600,
    head: Duration::from_millis(300),
    body_pause: Duration::from_millis(300),
    request: Duration::from_secs(2),
};
const WHOLE: &str = "POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
     Content-Length: 5\r\n\r\nwhole";

async fn served(limits: Limits) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let echo = async |body: Result<Bytes, BytesRejection>| match body {
        Ok(body) => format!("{} bytes", body.len()),
        Err(_) => "cut".to_owned(),
    };
    // Longer than a head may take, as a gateway waits for its orders.
    let orders = async || {
        tokio::time::sleep(LIMITS.head * 2).await;
        "no orders"
    };
    let router = Router::new().route("/", post(echo));
    let router = limits.bound(router.route("/orders", get(orders)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async {
        let _ = stopped.await;
    };
    let serving = tokio::spawn(serve(listener, router, limits, stopped));
    (address, stop, serving)
}

/// Sends `text`, and reads until the server hangs up.
async fn exchange(stream: &mut TcpStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn dawdlers_are_cut_and_others_served_meanwhile() {
    let (address, _stop, _serving) = served(LIMITS).await;
    let mut head = TcpStream::connect(address).await.unwrap();
    head.write_all(b"POST / HTTP/1.1\r\nHost: te")
        .await
        .unwrap();
    let mut body = TcpStream::connect(address).await.unwrap();
    let half = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\nhalf";
    body.write_all(half).await.unwrap();
    let mut silent = TcpStream::connect(address).await.unwrap();

    let mut honest = TcpStream::connect(address).await.unwrap();
    let answer = exchange(&mut honest, WHOLE).await;
    assert!(answer.ends_with("5 bytes"), "{answer}");

    assert!(!exchange(&mut head, "").await.contains("bytes"));
    assert!(exchange(&mut body, "").await.contains("cut"));
    assert_eq!(exchange(&mut silent, "").await, "");
}

#[tokio::test]
async fn a_stop_lets_what_has_begun_end() {
    let (address, stop, serving) = served(LIMITS).await;
    let mut begun = TcpStream::connect(address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    begun.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body: the request is being answered.
    let mut go_on = [0; 25];
    begun.read_exact(&mut go_on).await.unwrap();
    stop.send(()).unwrap();
    let answer = exchange(&mut begun, "whole").await;
    assert!(answer.ends_with("5 bytes"), "{answer}");
    serving.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_body_that_trickles_is_cut_with_its_request() {
    let (address, _stop, _serving) = served(LIMITS).await;
    let (mut read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
    let head = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10000\r\n\r\n";
    write.write_all(head).await.unwrap();
    // Never a pause that is too long, until the server has had enough.
    let trickle = tokio::spawn(async move {
        while write.write_all(b"x").await.is_ok() {
            tokio::time::sleep(LIMITS.body_pause / 6).await;
        }
    });
    let mut answer = Vec::new();
    let _ = read.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    trickle.await.unwrap();
}

#[tokio::test]
async fn a_long_wait_for_an_answer_outlives_the_time_for_heads() {
    let (address, _stop, _serving) = served(LIMITS).await;
    let mut gateway = TcpStream::connect(address).await.unwrap();
    let ask = "GET /orders HTTP/1.1\r\nHost: test\r\n\r\n";
    // Twice over one connection, which then ends because nothing more comes.
    gateway.write_all(ask.as_bytes()).await.unwrap();
    let answer = exchange(&mut gateway, ask).await;
    assert_eq!(answer.matches("no orders").count(), 2, "{answer}");
}

#[tokio::test]
async fn five_hundred_half_sent_heads_stop_nobody() {
    let patient = Limits {
        head: Duration::from_secs(3_600),
        ..LIMITS
    };
    let (address, _stop, _serving) = served(patient).await;
    let mut held = Vec::new();
    for _ in 0..500 {
        let mut head = TcpStream::connect(address).await.unwrap();
        head.write_all(b"POST / HT").await.unwrap();
        held.push(head);
    }
    let mut honest = TcpStream::connect(address).await.unwrap();
    let answer = exchange(&mut honest, WHOLE).await;
    assert!(answer.ends_with("5 bytes"), "{answer}");
}

#[tokio::test]
async fn who_finds_no_place_is_served_when_one_is_free() {
    let full = Limits {
        connections: 1,
        ..LIMITS
    };
    let (address, _stop, _serving) = served(full).await;
    let mut head = TcpStream::connect(address).await.unwrap();
    head.write_all(b"POST / HT").await.unwrap();
    let mut honest = TcpStream::connect(address).await.unwrap();
    let answer = exchange(&mut honest, WHOLE).await;
    assert!(answer.ends_with("5 bytes"), "{answer}");
    // The place came free because the other's time was over.
    assert!(!exchange(&mut head, "").await.contains("bytes"));
}
