# What the rules of billing say: findings, and what stands between a period and its bill.

billing-finding-set-apart = { $n ->
    [one] One reading between { $from } and { $until } cannot be true and decides nothing.
   *[other] { $n } readings between { $from } and { $until } cannot be true and decide nothing.
}
billing-finding-missing = { $n ->
    [one] { $first } has no closing reading.
   *[other] { $n } days have no closing reading, between { $first } and { $last }.
}
billing-finding-duplicate = { $n ->
    [one] There is more than one reading of { $when }; they agree.
   *[other] { $n } instants have more than one reading, the first { $when }; they agree.
}
billing-finding-duplicate-differ = { $n ->
    [one] There is more than one reading of { $when }, and they differ.
   *[other] { $n } instants have more than one reading, the first { $when }, and some differ.
}
billing-finding-negative = Less than nothing was counted in { $dates }: { $quantity }.
billing-finding-spike = { $highest } went through between { $from } and { $until }; the third-highest was { $third }.
billing-finding-high = Use per day is { $percent } of that of { $dates } ({ $usual } in { $n ->
    [one] one day
   *[other] { $n } days
}): unusually high.
billing-finding-low = Use per day is { $percent } of that of { $dates } ({ $usual } in { $n ->
    [one] one day
   *[other] { $n } days
}): unusually low.
billing-finding-zero = { $n ->
    [one] Nothing was used on { $first }.
   *[other] Nothing was used on { $n } days, from { $first } to { $last }.
}
billing-finding-stuck = { $n ->
    [one] The register stands at { $register } since { $from }, for one day, but used to move every day: is the breaker off, or the counter stuck?
   *[other] The register stands at { $register } since { $from }, for { $n } days, but used to move every day: is the breaker off, or the counter stuck?
}
billing-finding-sum = The parts of the period come to { $parts } together, its registers to { $registers }.
billing-finding-unit = The unit changed from { $before } to { $after } on { $date }.
billing-finding-multiplier = The multiplier changed from { $before } to { $after } on { $date }.
billing-finding-long-estimated = { $n ->
    [one] One period ends with an estimate, since { $since }: the meter must be read.
   *[other] { $n } periods in a row end with an estimate, since { $since }: the meter must be read.
}

billing-cause-held = Somebody holds it: { $reason }
billing-cause-no-terms = Its billing terms are not complete, so it has no period.
billing-cause-silent = The meter has recorded nothing since { $when }: if that lasts, there is no reading at the end.
billing-cause-unreachable = Nobody has a verified channel: the invoice will be made, but reaches nobody.

billing-findings = Worth a look
billing-findings-effect = None of this changes the amount.

billing-nav = Billing
billing-lead = The bills that come, and what stands in their way, before their periods end.
billing-cut = The first { $shown } of { $all } meters are shown.
billing-empty = No bill comes: register a meter and give it terms.
billing-empty-person = Nothing needs you.
billing-show-all = Show all
billing-show-person = { $n ->
    [one] What needs you: one bill
   *[other] What needs you: { $n } bills
}
billing-run = Goes out { $when } ({ $zone })
billing-run-waiting = Over, or without a date: not issued yet
billing-run-meters = { $n ->
    [one] One bill
   *[other] { $n } bills
}
billing-run-so-far = { $total } so far
billing-column-readings = Days read
billing-column-so-far = So far
billing-column-recipients = Goes to
billing-column-do = To do
billing-days-read = { $read } of { $days }
billing-nobody = Nobody
billing-ready = Ready
billing-will-wait = Will wait
billing-will-estimate = Will estimate
billing-blocked = Blocked
billing-preview = Draft
billing-fix-terms = Set its terms
billing-fix-recipients = Choose who gets it
billing-fix-meter = Look at the meter
billing-hold = Hold
billing-resume = Let it go
billing-hold-run = Hold this run
billing-resume-run = Let this run go
billing-hold-meter-title = Hold the invoices of { $what }
billing-hold-meter-lead = No invoice of this meter is issued until you let it go. What was issued stays, and the readings go on.
billing-hold-run-title = Hold the run of { $what }
billing-hold-run-lead = { $n ->
    [one] No invoice of its one meter is issued until you let it go.
   *[other] No invoice of its { $n } meters is issued until you let them go.
}
billing-resume-meter-title = Let the invoices of { $what } go
billing-resume-meter-lead = Those whose periods are over are issued within a minute, if nothing else stands in their way.
billing-resume-run-title = Let the run of { $what } go
billing-resume-run-lead = { $n ->
    [one] Its one meter is billed as its plan says, also if it was held by itself.
   *[other] Its { $n } meters are billed as their plans say, also those that were held by themselves.
}
billing-hold-reason = Why
billing-hold-reason-help = Stands on this board. Whoever gets the invoice reads only that it is looked at.
billing-done-held = Held.
billing-done-resumed = It is let go.
billing-draft = Draft: no invoice
billing-draft-lead = What the bill would say now. Nothing is kept and nothing is sent.
billing-draft-help = Up to the newest reading. Minimums are reckoned when the period is over.
billing-no-period = No period
billing-sends = Goes out { $when } ({ $zone })
billing-newest-reading = Newest reading
billing-total-so-far = So far

billing-correct-button = Correct…
billing-correct-title = Correct invoice { $number }
billing-correct-same = As everything is known now, the bill would be the same: { $now }.
billing-correct-other = It says { $now }. As everything is known now, the bill would be { $new }: a difference of { $difference }.
billing-correct-held = It says { $now }. Another bill cannot be made as things are: { $why }
billing-correct-lead = An issued invoice is never changed. It is taken back by a credit with a number of its own, and another invoice is put in its place; both are sent. The registers with which the bills before and after it end and begin stand: to change one of those, take the later bill back first.
billing-correct-reason = Why it is corrected
billing-correct-reason-help = It stands on both documents, in your words.
billing-correct-cancel = Only take it back
billing-correct-cancel-help = No other invoice is put in its place, and the period is not billed again.
billing-correct-submit = Take it back
billing-correct-done = Corrected. The documents are on their way.
