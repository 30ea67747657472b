//! `cargo demo`: the main job of the product in half a minute, without hardware.

use std::net::TcpListener;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use tests::demo::{ADMINISTRATOR, ANA, BEN, Demo, INTEGRATOR, PERIODS, Ports};
use tests::portal::PASSWORD;
use tests::program::Programs;
use tokio::signal::unix::{SignalKind, signal};

const PORTAL_PORT: u16 = 8080;
const MAILBOX_PORT: u16 = 8081;
const USAGE: &str = "\
Runs Enervue on this machine with six simulated meters, until Ctrl-C.

Usage: cargo demo [--port PORT] [--mailbox-port PORT]

  --port PORT          where the portal is served [default: 8080]
  --mailbox-port PORT  where mails and Telegram messages are shown [default: 8081]";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match ports(&arguments) {
        Err(error) => {
            eprintln!("error: {error:#}\n\n{USAGE}");
            ExitCode::from(2)
        }
        Ok(ports) => match demo(ports).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

fn ports(arguments: &[String]) -> anyhow::Result<[u16; 2]> {
    let mut ports = [PORTAL_PORT, MAILBOX_PORT];
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let which = match name.as_str() {
            "--port" => 0,
            "--mailbox-port" => 1,
            other => bail!("'{other}' is not understood"),
        };
        let value = rest
            .next()
            .with_context(|| format!("{name} needs a number"))?;
        ports[which] = value
            .parse()
            .with_context(|| format!("{name} {value}: a port is a number up to 65535"))?;
    }
    Ok(ports)
}

async fn demo([portal, mailbox]: [u16; 2]) -> anyhow::Result<()> {
    for (port, option) in [(portal, "--port"), (mailbox, "--mailbox-port")] {
        TcpListener::bind(("127.0.0.1", port)).with_context(|| {
            format!(
                "port {port} is taken: stop what listens there (ss -ltnp shows it), \
                 or choose another: cargo demo {option} {}",
                port.saturating_add(100)
            )
        })?;
    }
    eprintln!("building both programs");
    Programs::get()?;
    let begun = Instant::now();
    let folder = tempfile::Builder::new().prefix("enervue-demo-").tempdir()?;
    let ports = Ports {
        portal: Some(portal),
        mailbox: Some(mailbox),
    };
    let start = Demo::start(folder.path(), ports, |step| eprintln!("… {step}"));
    let mut demo = tokio::select! {
        demo = start => demo?,
        interrupted = interrupted() => return interrupted,
    };
    println!("\nReady after {} s.\n", begun.elapsed().as_secs());
    tell(&demo, mailbox, folder.path());
    interrupted().await?;
    eprintln!("\nstopping");
    demo.gateway.stop().await?;
    demo.cloud.stop().await
}

/// Ctrl-C, or a polite word from another process.
async fn interrupted() -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    Ok(())
}

fn tell(demo: &Demo, mailbox: u16, folder: &std::path::Path) {
    let (integrator, email) = INTEGRATOR;
    println!("Portal    {}", demo.cloud.url());
    println!("Mailbox   http://127.0.0.1:{mailbox}   (the mails and messages that went out)");
    println!("\nSign in with the password: {PASSWORD}");
    println!("  {email:28} {integrator}, integrator: registers meters, sets the terms");
    println!(
        "  {:28} {}, monitor user who may change settings; has Telegram",
        ANA.email, ANA.name
    );
    println!(
        "  {:28} {}, monitor user who may look only; in English",
        BEN.email, BEN.name
    );
    println!("  {ADMINISTRATOR:28} administrator: accounts and their integrators");
    println!("\nLook at");
    println!("  a meter's running period and its last four invoices; an invoice as page and PDF");
    println!("  the Excel with all that a person may see");
    println!("  Ana's and Ben's view of the same building: other meters, other language");
    println!("  the mailbox: {PERIODS} invoices of each meter, in the meter's own language");
    println!(
        "  the gateway: enervue-gateway status --config {}",
        demo.gateway.config().display()
    );
    println!(
        "               (the program is {})",
        program().unwrap_or_default()
    );
    println!(
        "\nEverything is in {} and goes with Ctrl-C.",
        folder.display()
    );
}

fn program() -> anyhow::Result<String> {
    Ok(Programs::get()?.gateway.display().to_string())
}
