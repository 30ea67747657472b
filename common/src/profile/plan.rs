//! Which requests bring in the registers of some points: as few as the limits allow.

use std::collections::BTreeSet;

use super::{Merge, Point, Profile, Register, Registers, Request, Table, UnitRule};

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

impl Point {
    /// The registers whose words make its value, in the order in which the raw words of a
    /// reading stand: value, multiplier, unit.
    pub(super) fn own_registers(&self) -> Vec<&Register> {
        let mut registers: Vec<&Register> = self.value.registers().iter().collect();
        registers.extend(self.pow10.as_ref().map(|pow10| &pow10.register));
        if let UnitRule::Register { register, .. } = &self.unit {
            registers.push(register);
        }
        registers
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
            spans.extend(Span::around(point.value.registers()));
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
            spans.extend(Span::around(point.value.registers()));
            for group in &self.atomic {
                let bound = group.iter().filter(|member| own.contains(member));
                spans.extend(Span::around(bound));
            }
        }
        let joined = join_overlapping(spans);
        joined.into_iter().filter_map(request).collect()
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

    fn refusing_registers(&self) -> impl Iterator<Item = &Register> {
        let flags = self.flags.iter().filter(|flag| flag.invalidates);
        self.all_zero
            .iter()
            .flatten()
            .chain(flags.map(|flag| &flag.register))
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
        let declared = |address: &u32| {
            self.registers.values().any(|register| {
                register.table == last.table
                    && (u32::from(register.address)..register.end()).contains(address)
            })
        };
        (last.end..next.start)
            .filter(|address| !declared(address))
            .count()
    }

    /// The longest run that must come in one reply, for the check against the limits.
    pub(super) fn longest_run(&self) -> u32 {
        let points = self
            .points
            .iter()
            .filter_map(|point| Span::around(point.value.registers()));
        let groups = self.atomic.iter().filter_map(Span::around);
        let runs = join_overlapping(points.chain(groups).collect());
        runs.into_iter()
            .map(|span| span.end - span.start)
            .max()
            .unwrap_or(0)
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
