//! Which requests bring in the registers of some points: as few as the limits allow.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Merge, Point, Profile, Register, Registers, Reject, Request, Table};

/// A run of registers that must come in one reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    table: Table,
    start: u32,
    end: u32,
}

impl Span {
    fn of(register: &Register) -> Self {
        Self {
            table: register.table,
            start: register.address.into(),
            end: register.end(),
        }
    }

    fn around<'a>(registers: impl IntoIterator<Item = &'a Register>) -> Option<Self> {
        registers.into_iter().map(Self::of).reduce(|a, b| Self {
            table: a.table,
            start: a.start.min(b.start),
            end: a.end.max(b.end),
        })
    }
}

impl Profile {
    /// The fewest requests that bring in everything the points need: their own registers,
    /// multiplier and unit, and those by which a whole answer is refused. Ids that are no
    /// point of the profile are passed over.
    #[must_use]
    pub fn requests(&self, points: &[&str]) -> Vec<Request> {
        let asked: Vec<&Point> = points.iter().filter_map(|id| self.point(id)).collect();
        if asked.is_empty() {
            return Vec::new();
        }
        let confirmed = asked.iter().filter_map(|point| point.must_match.as_ref());
        let others = confirmed.filter_map(|rule| self.point(&rule.point));
        let mut needed: Vec<&Register> = self.refusing_registers().collect();
        let mut spans = BTreeSet::new();
        for point in asked.iter().copied().chain(others) {
            needed.extend(point.own_registers());
            spans.extend(Span::around(point.number_registers()));
        }
        self.plan(&needed, spans)
    }

    /// The runs of registers that must each come within one reply for the point to be
    /// decoded, for whoever does not choose the requests: its value with whatever a group
    /// binds to it, each multiplier and unit register alone, and the flags that void it.
    #[must_use]
    pub fn runs(&self, point: &str) -> Vec<Request> {
        let Some(point) = self.point(point) else {
            return Vec::new();
        };
        let confirmed = point.must_match.as_ref();
        let other = confirmed.and_then(|rule| self.point(&rule.point));
        let voiding = self.flags.iter().filter(|flag| flag.invalidates);
        let mut spans: BTreeSet<Span> = voiding.map(|flag| Span::of(&flag.register)).collect();
        for point in [Some(point), other].into_iter().flatten() {
            let own = point.own_registers();
            spans.extend(own.iter().map(|register| Span::of(register)));
            spans.extend(Span::around(point.number_registers()));
            for group in &self.atomic {
                let bound = group.iter().filter(|member| own.contains(member));
                spans.extend(Span::around(bound));
            }
        }
        let joined = join_overlapping(spans);
        joined.into_iter().filter_map(request).collect()
    }

    /// The one of those runs that holds the point's own value: with each reply that covers
    /// it, the point is read anew.
    #[must_use]
    pub fn value_run(&self, point: &str) -> Option<Request> {
        let own = Span::around(self.point(point)?.value.registers())?;
        let holds = |run: &Request| {
            let (start, count) = (u32::from(run.address), u32::from(run.count));
            run.table == own.table && start <= own.start && own.end <= start + count
        };
        self.runs(point).into_iter().find(holds)
    }

    /// The requests that bring in what [`Self::fits`] looks at.
    #[must_use]
    pub fn identity_requests(&self) -> Vec<Request> {
        let needed: Vec<&Register> = self
            .identity
            .iter()
            .map(|identity| &identity.register)
            .collect();
        self.plan(&needed, BTreeSet::new())
    }

    /// Whether the words could come from a device of this model; without any identifying
    /// register nothing speaks for it.
    #[must_use]
    pub fn fits(&self, registers: &Registers) -> bool {
        !self.identity.is_empty()
            && self
                .identity
                .iter()
                .all(|identity| identity.holds(registers))
    }

    /// The requests that bring in what [`Self::serial`] looks at.
    #[must_use]
    pub fn serial_requests(&self) -> Vec<Request> {
        let needed: Vec<&Register> = self.serial.iter().collect();
        self.plan(&needed, BTreeSet::new())
    }

    fn refusing_registers(&self) -> impl Iterator<Item = &Register> {
        let flags = self.flags.iter().filter(|flag| flag.invalidates);
        let rejects = self.rejects.iter().flat_map(Reject::registers);
        rejects.chain(flags.map(|flag| &flag.register))
    }

    fn plan(&self, needed: &[&Register], mut spans: BTreeSet<Span>) -> Vec<Request> {
        spans.extend(needed.iter().map(|register| Span::of(register)));
        let touched = self
            .atomic
            .iter()
            .filter(|group| group.iter().any(|member| needed.contains(&member)));
        spans.extend(touched.filter_map(Span::around));
        let mut requests: Vec<Span> = Vec::new();
        for span in join_overlapping(spans) {
            match requests.last_mut() {
                Some(last) if self.may_join(*last, span) => last.end = span.end,
                _ => requests.push(span),
            }
        }
        requests.into_iter().filter_map(request).collect()
    }

    fn may_join(&self, last: Span, next: Span) -> bool {
        self.limits.merge == Merge::Gaps
            && last.table == next.table
            && next.end - last.start <= u32::from(self.limits.max_registers)
            && self.undeclared_between(last, next) <= usize::from(self.limits.max_gap)
    }

    fn undeclared_between(&self, last: Span, next: Span) -> usize {
        let registers = self.registers.values();
        undeclared(registers, last.table, last.end..next.start)
    }
}

/// How many addresses of the range no register declares.
fn undeclared<'a>(
    registers: impl Iterator<Item = &'a Register> + Clone,
    table: Table,
    range: Range<u32>,
) -> usize {
    let declared = |address: &u32| {
        registers.clone().any(|register| {
            register.table == table
                && (u32::from(register.address)..register.end()).contains(address)
        })
    };
    range.filter(|address| !declared(address)).count()
}

impl Profile {
    /// Why one of the runs that must come in one reply cannot, with its name: of `runs` each
    /// is named and has its registers.
    pub(super) fn unreadable_run<'a, N: Clone>(
        &self,
        runs: impl IntoIterator<Item = (N, Vec<&'a Register>)>,
    ) -> Option<(N, String)> {
        let mut spans = BTreeSet::new();
        let (most, gap) = (self.limits.max_registers, self.limits.max_gap);
        for (name, registers) in runs {
            let Some(span) = Span::around(registers) else {
                continue;
            };
            spans.insert(span);
            let joined = join_overlapping(spans.clone());
            let within = joined.iter().find(|joined| {
                joined.table == span.table && joined.start <= span.start && span.end <= joined.end
            });
            let length = within.map_or(0, |span| span.end - span.start);
            if length > most.into() {
                let reason =
                    format!("{length} registers must come in one reply, but the limit is {most}");
                return Some((name, reason));
            }
            let holes = undeclared(self.registers.values(), span.table, span.start..span.end);
            if holes > gap.into() {
                let reason = format!(
                    "{holes} undeclared registers lie among those that must come in one reply: \
                     declare them, or raise max_gap, which is {gap}"
                );
                return Some((name, reason));
            }
        }
        None
    }
}

/// Spans that share registers become one, so that a shared register comes in one reply with
/// all that it belongs to.
fn join_overlapping(spans: BTreeSet<Span>) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if last.table == span.table && span.start < last.end => {
                last.end = last.end.max(span.end);
            }
            _ => joined.push(span),
        }
    }
    joined
}

fn request(span: Span) -> Option<Request> {
    Some(Request {
        table: span.table,
        address: u16::try_from(span.start).ok()?,
        count: u16::try_from(span.end - span.start).ok()?,
    })
}
