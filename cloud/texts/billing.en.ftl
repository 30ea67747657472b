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

billing-cause-no-terms = Its billing terms are not complete, so it has no period.
billing-cause-silent = The meter has recorded nothing since { $when }: if that lasts, there is no reading at the end.
billing-cause-utility-bill = The plan passes on the utility's price, and the utility's bill is not there yet.
billing-cause-site = { $n ->
    [one] The site is shared out, and one of its meters has no reading.
   *[other] The site is shared out, and { $n } of its meters have no reading.
}
billing-cause-unreachable = Nobody has a verified channel: the invoice will be made, but reaches nobody.
