//! Whose request it is: the network address that rate limits count by.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::Config;

/// The address a request came from. Behind a proxy on this machine, which an https
/// `public_url` tells of, it is the one that the proxy wrote last into `X-Forwarded-For`;
/// what others wrote before it may be made up.
#[must_use]
pub fn client_address(config: &Config, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    if !config.is_https() || !peer.ip().is_loopback() {
        return peer.ip();
    }
    headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next())
        .and_then(|address| address.trim().parse().ok())
        .unwrap_or_else(|| peer.ip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DEFAULT_FILE;

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        let table = [
            ("https://a.example.com", "127.0.0.1:1", "192.0.2.7"),
            ("https://a.example.com", "198.51.100.1:1", "198.51.100.1"),
            ("http://127.0.0.1:8080", "127.0.0.1:1", "127.0.0.1"),
        ];
        let mut headers = HeaderMap::new();
        let forwarded = "203.0.113.9, 192.0.2.7".parse().unwrap();
        headers.insert("x-forwarded-for", forwarded);
        for (url, peer, expected) in table {
            let variable = ("ENERVUE_CLOUD__PUBLIC_URL".to_owned(), url.to_owned());
            let config = Config::read(DEFAULT_FILE, "", [variable]).unwrap();
            let found = client_address(&config, peer.parse().unwrap(), &headers);
            assert_eq!(found.to_string(), expected, "{url} {peer}");
        }
    }
}
