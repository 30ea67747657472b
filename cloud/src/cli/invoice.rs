//! `invoice list|export|explain|key|verify`: invoices as files and in words, and the check of
//! such a file, which needs nothing but the file and the fingerprints that its reader believes.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use common::profile::Library;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Settings, print};
use crate::command::{self, ExplainedInvoice, InvoiceList, InvoiceName, IssuerKey, ListedInvoice};
use crate::config::Config;
use crate::control::{self, AskError, Request};
use crate::proof::Export;
use crate::proof::check::{BYTES_MAX, check};
use crate::proof::report::{DOES_NOT_PROVE, PROVES, Report};
use crate::proof::trust::{KeyName, Trusted};
use crate::store::Store;

/// How the check could not be made.
const NOT_CHECKED: u8 = 2;

const VERIFY_HELP: &str = "\
Needs no server, no database and no settings. The fingerprints come from outside the file: the
gateway's from its own screen (enervue-gateway key show) or the portal, the issuer's from whoever
issues, by enervue-cloud invoice key, or from their portal at an address that you know; not from
the file, and not from a QR code that came with it.

Example:
  enervue-cloud invoice verify invoice-12.json \\
    --issuer \"1f2e 3d4c 5b6a 7988 1f2e 3d4c 5b6a 7988\" \\
    --gateway \"3c4d 5e6f 7a8b 9c0d 3c4d 5e6f 7a8b 9c0d\"

Exit codes: 0 identical, 1 it differs, 2 it could not be checked.";

const EXPLAIN_HELP: &str = "\
Use is what this period's registers cost more than the other one's under one version of the
terms, the last of the other bill; price is the rest of what use costs; what minimums, fees and
taxes add stands by itself. The parts add up to the difference, to the last digit. The words are
those of the invoice, in its language.

Example:
  enervue-cloud invoice explain 12 --account \"Plaza Norte\"";

/// What is typed after `invoice`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum InvoiceCommand {
    /// Say which invoices were issued last
    List {
        /// Only those of this account, by name or identity
        #[arg(long)]
        account: Option<String>,
        /// How many of each account
        #[arg(long, default_value_t = 20)]
        limit: u16,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Write an invoice with all that proves it as one JSON file
    Export {
        /// Its number or its identity
        #[arg(value_name = "NUMBER|ID")]
        invoice: String,
        /// Its account, by name or identity, where several have that number
        #[arg(long)]
        account: Option<String>,
        /// Where to write it; without it to stdout
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Say why an invoice asks for more or less than the last one, and than a year ago
    #[command(after_help = EXPLAIN_HELP)]
    Explain {
        /// Its number or its identity
        #[arg(value_name = "NUMBER|ID")]
        invoice: String,
        /// Its account, by name or identity, where several have that number
        #[arg(long)]
        account: Option<String>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the key that signs the invoices, and its fingerprint
    Key {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Say whether a file is the invoice that was issued, and compute all of it again
    #[command(after_help = VERIFY_HELP)]
    Verify {
        /// The file that `invoice export` wrote
        file: PathBuf,
        /// The fingerprint of a gateway that is believed, or its public key; as often as needed
        #[arg(long, value_name = "FINGERPRINT", required = true, num_args = 1)]
        gateway: Vec<KeyName>,
        /// The fingerprint of the issuer that is believed, or its public key
        #[arg(long, value_name = "FINGERPRINT")]
        issuer: KeyName,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: InvoiceCommand, settings: &Settings) -> anyhow::Result<ExitCode> {
    match command {
        InvoiceCommand::List {
            account,
            limit,
            json,
        } => list(&settings.load()?, InvoiceList { account, limit }, json).await?,
        InvoiceCommand::Export {
            invoice,
            account,
            output,
        } => {
            let name = InvoiceName { invoice, account };
            export(&settings.load()?, name, output.as_deref()).await?;
        }
        InvoiceCommand::Explain {
            invoice,
            account,
            json,
        } => {
            let name = InvoiceName { invoice, account };
            explain(&settings.load()?, name, json).await?;
        }
        InvoiceCommand::Key { json } => key(&settings.load()?, json).await?,
        InvoiceCommand::Verify {
            file,
            gateway,
            issuer,
            json,
        } => {
            let gateways = gateway;
            return verify(&file, &Trusted { issuer, gateways }, json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks the running server; without one the database itself.
async fn ask<T: DeserializeOwned>(
    config: &Config,
    request: &Request,
    here: impl AsyncFnOnce(&Store) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    match control::ask(&config.socket, request, |_| {}).await {
        Ok(answer) => Ok(serde_json::from_value(answer)?),
        Err(AskError::NoServer { .. }) => {
            let store = Store::open(config.database.reveal()).await?;
            here(&store).await
        }
        Err(other) => Err(other.into()),
    }
}

async fn list(config: &Config, list: InvoiceList, json: bool) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Listed {
        invoices: Vec<ListedInvoice>,
    }
    let request = Request::InvoiceList(list.clone());
    let here = async |store: &Store| command::invoice_list(store, &list).await;
    let invoices: Vec<ListedInvoice> = ask(config, &request, here).await?;
    if json {
        return Ok(print::json("enervue.invoice-list/1", &Listed { invoices })?);
    }
    for one in &invoices {
        print::line(&format!(
            "{:>6}  {}  {} to {}  {:>14} {}  {}, {}",
            one.number,
            one.id,
            one.from,
            one.until,
            one.total.to_string(),
            one.currency.code(),
            one.issuer,
            one.meter_label
        ))?;
    }
    Ok(())
}

async fn export(config: &Config, name: InvoiceName, output: Option<&Path>) -> anyhow::Result<()> {
    let request = Request::InvoiceExport(name.clone());
    let here = async |store: &Store| command::invoice_export(store, &name).await;
    let export: Export = ask(config, &request, here).await?;
    let Some(path) = output else {
        return Ok(print::document(&export)?);
    };
    let mut text = serde_json::to_vec_pretty(&export)?;
    text.push(b'\n');
    File::create(path)
        .and_then(|mut file| file.write_all(&text))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    print::note(&format!(
        "{}: {} fields, signed by {}",
        path.display(),
        export.digests.len(),
        export.proof.public_key
    ));
    Ok(())
}

async fn explain(config: &Config, name: InvoiceName, json: bool) -> anyhow::Result<()> {
    let request = Request::InvoiceExplain(name.clone());
    let here = async |store: &Store| command::invoice_explain(store, &name).await;
    let explained: ExplainedInvoice = ask(config, &request, here).await?;
    if json {
        return Ok(print::json("enervue.invoice-explanation/1", &explained)?);
    }
    let invoice = &explained.invoice;
    print::line(&format!(
        "Invoice {} ({}), {} to {}: {} {}",
        invoice.number,
        invoice.meter_label,
        invoice.from,
        invoice.until,
        invoice.total,
        invoice.currency.code()
    ))?;
    if explained.compared.is_empty() {
        print::line("There is no invoice before it to compare it with.")?;
    }
    for one in &explained.compared {
        print::line(&format!("\n{}", one.heading))?;
        if one.rows.is_empty() {
            print::line(&format!("  {}", one.problem))?;
        }
        for row in &one.rows {
            print::line(&format!("{:>18}  {}", row.amount, row.name))?;
            if !row.how.is_empty() {
                print::line(&format!("{:>18}    {}", "", row.how))?;
            }
        }
    }
    Ok(())
}

async fn key(config: &Config, json: bool) -> anyhow::Result<()> {
    let here = async |store: &Store| command::issuer_key(store).await;
    let key: IssuerKey = ask(config, &Request::IssuerKey, here).await?;
    if json {
        return Ok(print::json("enervue.issuer-key/1", &key)?);
    }
    print::line(&format!("Public key   {}", key.public_key))?;
    print::line(&format!("Fingerprint  {}", key.fingerprint))?;
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let bytes_max = u64::try_from(BYTES_MAX)?.saturating_add(1);
    File::open(path)
        .and_then(|file| file.take(bytes_max).read_to_string(&mut text))
        .with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(text)
}

fn verify(path: &Path, trusted: &Trusted, json: bool) -> anyhow::Result<ExitCode> {
    let text = match read(path) {
        Ok(text) => text,
        Err(error) => {
            print::failure(&error);
            return Ok(ExitCode::from(NOT_CHECKED));
        }
    };
    let report = check(&text, trusted, &Library::shipped());
    if json {
        print_json(&report)?;
    } else {
        print_report(&report)?;
    }
    Ok(match report.is_identical() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn print_json(report: &Report) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Verified<'a> {
        identical: bool,
        #[serde(flatten)]
        report: &'a Report,
        proves: &'a [&'a str],
        does_not_prove: &'a [&'a str],
    }
    let identical = report.is_identical();
    let verified = Verified {
        identical,
        report,
        proves: if identical { &PROVES } else { &[] },
        does_not_prove: &DOES_NOT_PROVE,
    };
    Ok(print::json("enervue.invoice-verification/1", &verified)?)
}

fn print_report(report: &Report) -> anyhow::Result<()> {
    if let Some(invoice) = &report.invoice {
        print::line(&format!(
            "Invoice {} ({}), {} to {}: {} {}",
            invoice.number,
            invoice.id,
            invoice.from,
            invoice.until,
            invoice.total,
            invoice.currency.code()
        ))?;
    }
    for difference in &report.differences {
        let (field, message) = (&difference.field, &difference.message);
        match field.as_str() {
            "" => print::line(&format!("differs: {message}"))?,
            field => print::line(&format!("differs: {field}: {message}"))?,
        }
    }
    for note in &report.notes {
        print::line(&format!("not checked: {note}"))?;
    }
    if report.invoice.is_some() {
        print_unsealed(report)?;
    }
    let (fields, seals) = (report.fields, report.seals);
    if !report.is_identical() {
        let differences = report.differences.len();
        print::line(&format!(
            "NOT what was issued: {differences} differences ({fields} fields, {seals} seals)"
        ))?;
        return Ok(());
    }
    print::line(&format!("identical: {fields} fields, {seals} seals"))?;
    for sentence in PROVES {
        print::line(&format!("  proved: {sentence}"))?;
    }
    for sentence in DOES_NOT_PROVE {
        print::line(&format!("  not proved: {sentence}"))?;
    }
    Ok(())
}

fn print_unsealed(report: &Report) -> anyhow::Result<()> {
    if report.unsealed.is_empty() {
        return Ok(print::line("rests on sealed readings: yes, all of it")?);
    }
    print::line("rests on sealed readings: not all of it")?;
    for one in &report.unsealed {
        print::line(&format!("  not sealed: {}: {}", one.field, one.why))?;
    }
    Ok(())
}
