//! Checking: every row's checksum, the numbers' contiguity, the chains of seals and the
//! engine's settings. In parts, so that readings are stored between them.

use std::collections::BTreeMap;

use common::id::MeterId;
use common::seal::Head;

use super::{Buffer, BufferError, loss, open, sealing};

/// The most faults that are told one by one.
const FAULTS_MAX: usize = 100;
/// Rows read at once.
const PAGE: usize = 1_000;

/// What [`Buffer::check`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BufferCheck {
    /// Readings that are as they were stored.
    pub good: u64,
    /// Links of chains that are.
    pub links: u64,
    /// Everything wrong, counted.
    pub faults: u64,
    /// The first hundred, one sentence each.
    pub told: Vec<String>,
}

/// A check under way.
#[derive(Debug, Default)]
pub(super) struct Checking {
    check: BufferCheck,
    heads: BTreeMap<MeterId, Head>,
    /// The last number looked at.
    after: u64,
    /// The number that must come next, once one is known.
    expected: Option<u64>,
}

impl BufferCheck {
    fn fault(&mut self, fault: String) {
        self.faults += 1;
        if self.told.len() < FAULTS_MAX {
            self.told.push(fault);
        }
    }
}

impl Buffer {
    /// Looks at everything that is held. Changes nothing; takes a second for some 100,000
    /// readings.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn check(&self) -> Result<BufferCheck, BufferError> {
        let mut checking = self.begin_check()?;
        loop {
            match self.check_more(checking)? {
                Ok(done) => return Ok(done),
                Err(more) => checking = more,
            }
        }
    }

    /// Looks at the file as a whole.
    pub(super) fn begin_check(&self) -> Result<Checking, BufferError> {
        let mut checking = Checking::default();
        for fault in open::faults(&self.connection)? {
            checking.check.fault(fault);
        }
        Ok(checking)
    }

    /// Looks at the next thousand readings; gives back what is found at the end, or how to
    /// go on.
    pub(super) fn check_more(
        &self,
        checking: Checking,
    ) -> Result<Result<BufferCheck, Checking>, BufferError> {
        let Checking {
            mut check,
            mut heads,
            mut after,
            mut expected,
        } = checking;
        let page = self.rows_after(after, PAGE)?;
        if let Some((last, _)) = page.last() {
            after = *last;
            // The log begins where it was last deleted from, at the cursor at the latest.
            let first = self.rows_after(0, 1)?.first().map_or(0, |(seq, _)| *seq);
            let begins = first.min(self.cursor.through + 1);
            let mut readings = Vec::new();
            for (seq, row) in page {
                self.check_gap(expected.unwrap_or(0).max(begins), seq, &mut check)?;
                expected = Some(seq + 1);
                match row {
                    Some(row) => readings.push(row.reading),
                    None => check.fault(format!("reading {seq} is not what was stored")),
                }
            }
            check.good += u64::try_from(readings.len()).unwrap_or(0);
            self.put_seals(&mut readings)?;
            for reading in &readings {
                let Some(seal) = &reading.seal else { continue };
                if let Some(head) = heads.get(&seal.meter)
                    && head.link + 1 == seal.link
                    && head.digest != seal.previous
                {
                    let (seq, link, meter) = (reading.seq, seal.link, seal.meter);
                    check.fault(format!(
                        "reading {seq} is link {link} of meter {meter} and does not follow the \
                         link before"
                    ));
                }
                check.links += 1;
                heads.insert(seal.meter, seal.head(reading));
            }
            return Ok(Err(Checking {
                check,
                heads,
                after,
                expected,
            }));
        }
        let next = expected.unwrap_or(self.cursor.through + 1);
        self.check_gap(next, self.last_seq()? + 1, &mut check)?;
        self.check_heads(&heads, &mut check)?;
        Ok(Ok(check))
    }

    /// Every number from `next` up to `until` must be lost.
    fn check_gap(
        &self,
        mut next: u64,
        until: u64,
        check: &mut BufferCheck,
    ) -> Result<(), BufferError> {
        while next < until {
            let lost = loss::after(&self.connection, next - 1, 1)?
                .into_iter()
                .next();
            match lost {
                Some(lost) if lost.first <= next => next = lost.last + 1,
                _ => {
                    let last = until - 1;
                    check.fault(format!("of the numbers {next} to {last} some are missing"));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn check_heads(
        &self,
        heads: &BTreeMap<MeterId, Head>,
        check: &mut BufferCheck,
    ) -> Result<(), BufferError> {
        let chains = sealing::load(&self.connection)?;
        for (meter, head) in heads {
            match chains.get(meter) {
                Some(chain) if chain.head == *head => {}
                Some(_) => check.fault(format!(
                    "the chain of meter {meter} does not end with its last sealed reading"
                )),
                None => check.fault(format!("the head of the chain of meter {meter} is missing")),
            }
        }
        Ok(())
    }
}
