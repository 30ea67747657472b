//! Programs that we did not write, as witnesses: an SMTP server, a reader of workbooks, a
//! reader of PDFs.

use std::path::{Path, PathBuf};
use std::process::Command;

use tests::mailbox::{self, Mail};
use tests::process::{PATIENCE, Running, run, wait_for};
use tests::program::workspace;

/// The Python that has what the tests need.
pub(crate) fn python() -> PathBuf {
    let python = std::env::var_os("ENERVUE_TEST_PYTHON");
    PathBuf::from(python.expect("ENERVUE_TEST_PYTHON names the Python: run tests/run"))
}

/// The program against libmodbus of that name, built.
pub(crate) fn libmodbus_program(folder: &Path, name: &str) -> PathBuf {
    let program = folder.join(name);
    let flags = Command::new("pkg-config")
        .args(["--cflags", "--libs", "libmodbus"])
        .output();
    let flags = String::from_utf8(flags.unwrap().stdout).unwrap();
    let source = workspace().join(format!("tests/slaves/{name}.c"));
    let mut compile = Command::new("gcc");
    compile.arg("-o").arg(&program).arg(source);
    let built = compile.args(flags.split_whitespace()).status().unwrap();
    assert!(built.success(), "gcc cannot build against libmodbus");
    program
}

/// A slave by libmodbus that serves `values` on `port`.
pub(crate) fn libmodbus_slave(folder: &Path, port: &Path, values: &str) -> Running {
    let program = libmodbus_program(folder, "libmodbus_slave");
    let file = port.with_extension("values");
    std::fs::write(&file, values).unwrap();
    let log = port.with_extension("log");
    let (port, file) = (port.display().to_string(), file.display().to_string());
    Running::start(&program, &[&port, "N", &file], &log).unwrap()
}

/// A slave by pymodbus that serves `values` on `port`.
pub(crate) fn pymodbus_slave(port: &Path, values: &str) -> Running {
    let file = port.with_extension("values");
    std::fs::write(&file, values).unwrap();
    let script = workspace().join("tests/slaves/pymodbus_slave.py");
    let arguments = [script.as_path(), port, &file].map(|path| path.display().to_string());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Running::start(&python(), &arguments, &port.with_extension("log")).unwrap()
}

/// aiosmtpd with STARTTLS and sign-in.
pub(crate) struct SmtpServer {
    folder: PathBuf,
    port: String,
    _running: Running,
}

impl SmtpServer {
    pub(crate) async fn start(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let script = workspace()
            .join("tests/outside/smtp_server.py")
            .display()
            .to_string();
        let arguments = [script.as_str(), &folder.display().to_string()];
        let log = folder.join("log");
        let mut running = Running::start(&python(), &arguments, &log).unwrap();
        let file = folder.join("port");
        let is_up = async || {
            running.still_runs()?;
            Ok(file.exists())
        };
        wait_for("the SMTP server", PATIENCE, is_up).await.unwrap();
        Self {
            folder: folder.to_owned(),
            port: std::fs::read_to_string(&file).unwrap(),
            _running: running,
        }
    }

    /// The lines of `[mail]` that lead to it.
    pub(crate) fn settings(&self) -> Vec<String> {
        vec![
            "host = 'localhost'".to_owned(),
            format!("port = {}", self.port),
            "tls = 'starttls'".to_owned(),
            "user = 'billing'".to_owned(),
            "password = 's3cret words'".to_owned(),
        ]
    }

    /// What makes a process trust its certificate, and no other.
    pub(crate) fn trust(&self) -> (String, String) {
        let certificate = self.folder.join("certificate.pem").display().to_string();
        ("SSL_CERT_FILE".to_owned(), certificate)
    }

    /// The mails that came, the oldest first.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        let mut mails = Vec::new();
        loop {
            let file = self.folder.join(format!("{}.eml", mails.len() + 1));
            match std::fs::read(&file) {
                Err(_) => return mails,
                Ok(raw) => mails.push(mailbox::parse(&raw).unwrap()),
            }
        }
    }
}

/// A cell as openpyxl reads it.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Cell {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) value: String,
}

/// Every cell of the workbook in `bytes`.
pub(crate) async fn excel_cells(folder: &Path, bytes: &[u8]) -> Vec<Cell> {
    let file = folder.join("book.xlsx");
    std::fs::write(&file, bytes).unwrap();
    let script = workspace()
        .join("tests/outside/excel_cells.py")
        .display()
        .to_string();
    let arguments = [script.as_str(), &file.display().to_string()];
    let printed = run(&python(), &arguments).await.unwrap().ok().unwrap();
    printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The words of the PDF in `bytes`, single spaces between them.
pub(crate) async fn pdf_text(folder: &Path, bytes: &[u8]) -> String {
    let file = folder.join("page.pdf");
    std::fs::write(&file, bytes).unwrap();
    let arguments = ["-layout", &file.display().to_string(), "-"];
    let printed = run(Path::new("pdftotext"), &arguments)
        .await
        .unwrap()
        .ok()
        .unwrap();
    printed.split_whitespace().collect::<Vec<_>>().join(" ")
}
