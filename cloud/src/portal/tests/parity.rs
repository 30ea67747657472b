//! One bill, five forms: page, PDF, mail, chat and Excel say the same figures, in four regions
//! and three currencies.

use std::path::Path;
use std::process::Command;

use rust_decimal::Decimal;
use serde_json::Value;

use super::invoices::{Story, bill};
use super::*;
use crate::billing::invoice::Invoice;
use crate::document::say::Say;
use crate::notice::message;

const REGIONS: [&str; 4] = ["en-US", "es-MX", "es-ES", "es-CO"];
/// With two decimals, with none, and with a sign that stands elsewhere.
const MONEY: [(&str, &str); 3] = [("MXN", "3.50"), ("COP", "812.4"), ("EUR", "0.1499")];

/// What a program prints.
fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}: run tests/run portal"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A text without spaces: paper has none, only distances.
fn dense(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .collect()
}

fn pdf_text(folder: &Path, pdf: &[u8]) -> String {
    let file = folder.join("bill.pdf");
    std::fs::write(&file, pdf).unwrap();
    dense(&printed(
        "pdftotext",
        &["-layout", file.to_str().unwrap(), "-"],
    ))
}

/// The numbers of a workbook, as openpyxl reads them.
fn numbers(folder: &Path, book: &[u8]) -> Vec<Decimal> {
    let file = folder.join("bill.xlsx");
    std::fs::write(&file, book).unwrap();
    let python = std::env::var("ENERVUE_TEST_PYTHON")
        .expect("ENERVUE_TEST_PYTHON is not set: run tests/run portal");
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/outside/excel_cells.py"
    );
    let cells = printed(&python, &[script, file.to_str().unwrap()]);
    let cells = cells
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let number = |cell: Value| {
        let is_number = cell["type"] == "float" || cell["type"] == "int";
        let text = cell["value"].as_str().unwrap().to_owned();
        is_number.then(|| {
            Decimal::from_scientific(&text)
                .or_else(|_| text.parse())
                .unwrap()
        })
    };
    cells.filter_map(number).collect()
}

/// What everybody who gets the bill reads first.
fn headlines(invoice: &Invoice, say: &Say<'_>) -> [String; 4] {
    [
        say.money(invoice.total),
        say.quantity(invoice.measured),
        say.format.decimal(invoice.opening().register.value()),
        say.quantity(invoice.closing().register.value()),
    ]
}

fn holds(form: &str, said: &str, figure: &str, about: &str) {
    assert!(
        said.contains(figure),
        "{about}: '{figure}' is not in the {form}:\n{said}"
    );
}

/// Asks for every form of the bill, and looks for its figures in each.
async fn compare(story: &Story, invoice: &Invoice, about: &str) {
    let folder = tempfile::tempdir().unwrap();
    let say = Say::new(invoice).unwrap();
    let path = format!("/invoices/{}", invoice.id);
    let page = story.world.get(&story.integrator, &path).await.text();
    let pdf = format!("{path}/invoice.pdf");
    let pdf = story.world.get(&story.integrator, &pdf).await.body;
    let pdf = pdf_text(folder.path(), &pdf);
    let message = message::invoice(invoice, "https://enervue.example").unwrap();
    let (text, html, chat) = (message.text(), message.html().unwrap(), message.chat());
    for figure in headlines(invoice, &say) {
        for (form, said) in [
            ("page", &page),
            ("mail", &text),
            ("mail's page", &html),
            ("chat", &chat),
        ] {
            holds(form, said, &figure, about);
        }
        holds("PDF", &pdf, &dense(&figure), about);
    }
    for row in say.rows() {
        for figure in [&row.name, &row.how, &row.value] {
            holds("page", &page, figure, about);
            holds("PDF", &pdf, &dense(figure), about);
        }
    }
    let book = format!("/meters/{}/export.xlsx", invoice.meter);
    let book = story.world.get(&story.integrator, &book).await.body;
    let numbers = numbers(folder.path(), &book);
    for exact in [
        invoice.total,
        invoice.measured,
        invoice.billed,
        invoice.minimum,
        invoice.opening().register.value(),
        invoice.closing().register.value(),
    ] {
        assert!(
            numbers.contains(&exact),
            "{about}: {exact} is not in the Excel: {numbers:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_pdf_mail_chat_and_excel_say_the_same_figures_everywhere() {
    let story = Story::new().await;
    let (site, gateway) = story.world.building(&story.integrator, "gateway").await;
    let mut unit_id = 0;
    for region in REGIONS {
        for (currency, price) in MONEY {
            unit_id += 1;
            let about = format!("{region} {currency}");
            let mut form = meter_form(&about, "").to_vec();
            let unit_id = unit_id.to_string();
            let changed = [
                ("unit_id", unit_id.as_str()),
                ("locale", region),
                ("currency", currency),
                ("price", price),
                // More than the 344.8 kWh that went through.
                ("minimum", "400"),
            ];
            for (name, value) in changed {
                form.retain(|(other, _)| *other != name);
                form.push((name, value));
            }
            let made = format!("{gateway}/meters");
            let made = story.world.done(&story.integrator, &made, &form).await;
            let meter = made.location().split('?').next().unwrap().to_owned();
            let invoice = bill(&story.world, &site, &gateway, &meter).await;
            assert_eq!(invoice.currency.code(), currency);
            compare(&story, &invoice, &about).await;
        }
    }
}
