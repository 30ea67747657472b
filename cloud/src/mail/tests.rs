//! What a mail looks like, and what an address cannot smuggle in.

use super::*;
use crate::notice::message;
use crate::notice::message::tests::sample;

fn config() -> MailConfig {
    MailConfig {
        host: "127.0.0.1".to_owned(),
        port: 25,
        tls: MailTls::None,
        user: None,
        password: None,
        ca_file: None,
        from: "Enervue <billing@example.com>".to_owned(),
    }
}

fn party(name: &str, email: &str) -> Party {
    Party {
        name: name.to_owned(),
        email: email.to_owned(),
    }
}

fn formatted(to: Party, message: &Message, file: Option<&File>) -> Result<String, String> {
    let mail = Mail::new(&config()).unwrap();
    let composed = mail.composed(&Letter {
        to,
        reply_to: Some(party("Iván", "ivan@example.com")),
        id: "notice.1".to_owned(),
        date: "2026-11-01T15:00:00Z".parse().unwrap(),
        message,
        file,
    })?;
    Ok(String::from_utf8(composed.formatted()).unwrap())
}

#[tokio::test]
async fn a_mail_has_text_html_and_file_and_says_what_it_is() {
    let message = message::invoice(&sample("es-MX"), "https://enervue.example.com").unwrap();
    let file = File {
        name: "PlazaNorte_Local204_2026-10-01_2026-10-31.pdf".to_owned(),
        pdf: b"%PDF-1.7".to_vec(),
    };
    let text = formatted(party("Ana", "ana@example.com"), &message, Some(&file)).unwrap();
    for line in [
        "From: Enervue <billing@example.com>\r\n",
        "To: Ana <ana@example.com>\r\n",
        "Message-ID: <notice.1@example.com>\r\n",
        "Date: Sun, 01 Nov 2026 15:00:00 +0000\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Language: es\r\n",
        "Content-Type: multipart/alternative;",
        "Content-Type: text/html; charset=utf-8\r\n",
        "Content-Type: application/pdf\r\n",
        "filename*0=\"PlazaNorte_Local204_2026-10-01_2026-10-31.pdf\"",
    ] {
        assert!(text.contains(line), "{line:?}: {text}");
    }
    assert!(text.contains("<ivan@example.com>"), "{text}");
}

#[tokio::test]
async fn what_is_in_a_name_or_an_address_adds_no_header_and_no_recipient() {
    let mut bill = sample("en-US");
    bill.meter_label = "Local\r\nBcc: everybody@example.com".to_owned();
    let message = message::invoice(&bill, "https://enervue.example.com").unwrap();
    let names = [
        "Evil\r\nBcc: all@example.com",
        "a\0b",
        "\n",
        "\"Ana\" <x@example.com>,",
    ];
    for name in names {
        let text = formatted(party(name, "ana@example.com"), &message, None).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap();
        assert!(!head.contains("\nBcc:"), "{head}");
        let recipients = head.lines().filter(|line| line.starts_with("To:"));
        assert_eq!(recipients.count(), 1, "{head}");
    }
    let addresses = [
        "ana@example.com\r\nBcc: x@example.com",
        "ana@example.com, x@example.com",
    ];
    for address in addresses {
        assert!(formatted(party("Ana", address), &message, None).is_err());
    }
}

#[tokio::test]
async fn settings_that_cannot_work_say_what_to_do() {
    let table = [
        (
            MailConfig {
                host: "smtp.example.com".to_owned(),
                ..config()
            },
            "Use \"starttls\"",
        ),
        (
            MailConfig {
                from: "billing".to_owned(),
                ..config()
            },
            "write it as",
        ),
        (
            MailConfig {
                user: Some("enervue".to_owned()),
                ..config()
            },
            "write both or neither",
        ),
        (
            MailConfig {
                tls: MailTls::Starttls,
                ca_file: Some("/nowhere.pem".into()),
                ..config()
            },
            "/nowhere.pem",
        ),
    ];
    for (config, part) in table {
        let error = Mail::new(&config).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
