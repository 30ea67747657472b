# Billing terms at a site, in a named plan, at a meter; the exchange of devices.

terms-title = Billing terms
terms-lead-site = What is said here counts for every meter of the building that says nothing else itself.
terms-lead-plan = What is said here counts for every meter that follows this plan and says nothing else itself.
terms-lead-meter = What is not said here comes from the meter's plan, then from its site.
terms-more = More terms
terms-site = Terms of the building
terms-plans = Plans
terms-plans-lead = A plan is a set of terms with a name. Change it once, and it changes for every meter that follows it.
terms-plans-empty = There is no plan yet. A meter needs none: its terms can stand at the meter or at its site.
terms-plan = Plan
terms-plan-new = New plan
terms-plan-add = Add and say its terms
terms-plan-name = Name
terms-plan-name-help = Such as “Shops, low voltage”. Your people see it; it is not on invoices.
terms-plan-rename = Rename
terms-plan-help = Its terms count wherever this level says nothing.
terms-no-plan = No plan is followed.
terms-followers = Meters that follow it
terms-followers-none = No meter follows it yet. Choose it in the terms of a meter or of a site.
terms-versions = Versions
terms-versions-none = Nothing is said here yet.
terms-version-new = New version
terms-version-change = Change this version
terms-from = From
terms-from-help = The first day on which this counts. A new price cuts the period there; a new cutoff or zone counts from the next period.
terms-begins = A period begins on this day
terms-begins-help = The one before ends early, by a short bill.
terms-says = Says
terms-says-nothing = Nothing of its own
terms-do = Do
terms-change = Change
terms-remove = Remove
terms-remove-title = Remove this version
terms-remove-lead = The version from { $from } is taken back for good; what was said before it counts on. { $n ->
    [one] One meter is concerned.
   *[other] { $n } meters are concerned.
}
terms-state-now = Counts now
terms-state-coming = To come
terms-state-past = Past
terms-billed = Billed: { $meter } has invoices until { $until }. It cannot be changed; make a new version.
terms-held = What counts today
terms-held-none = Nothing is said here yet.
terms-term = Term
terms-value = Value
terms-origin = From where
terms-from-default = by default
terms-from-here = set here
terms-from-site = from site { $site }
terms-from-plan = from plan { $plan }
terms-open = Nothing is said here.
terms-open-or = Nothing is said here. If nobody says it: { $value }.
terms-set = Set here
terms-shut = Remove
terms-else = Without it:
terms-save = Save
terms-try = Check and compare
terms-trial = What it changes
terms-trial-lead = { $n ->
    [0] No meter is concerned yet.
    [one] One meter is concerned.
   *[other] { $n } meters are concerned, of which the first are shown.
}
terms-trial-bill = Last bill, { $dates }, charged anew
terms-trial-running = Running period, { $dates }, so far
terms-trial-nothing = Nothing was read yet
terms-trial-unknown = not known
terms-trial-old = With the terms until now
terms-trial-new = With the new terms
terms-trial-empty = No meter is concerned yet.
terms-unit = unit
terms-tariff = Price
terms-cycle = Periods
terms-currency = Currency
terms-minimum = Minimum
terms-fees = Fees
terms-taxes = Taxes and surcharges
terms-send-hour = Send hour
terms-missing = When a reading is missing
terms-zone = Time zone
terms-checks = When a bill is flagged
terms-rate-flat = One price
terms-rate-tiers = Tiers
terms-rate-hours = By the hour
terms-rate-pass = What the utility charged
terms-pass-help = The price is the utility's bill divided by what the main meter measured.
terms-price = Price
terms-per = Price is for
terms-per-help = 1 for a price per unit; 1000 for a price per thousand.
terms-demand = Highest power
terms-demand-price = Price per kW
terms-demand-minutes = Mean of
terms-demand-help = Leave the price empty to charge none.
terms-tiers-help = Each tier ends at a quantity of a full period; the last one has no end. Rows left empty are none.
terms-tier-up-to = Up to
terms-tier-add = Add a tier
terms-tiers-prorated = Ends shrink with a period shorter than a full one
terms-bands = Prices by the hour
terms-band = Price
terms-band-name = Name
terms-band-add = Add a price
terms-season = Season
terms-season-day = Begins on day
terms-season-month = of
terms-season-add = Add a season
terms-workday = Monday to Friday
terms-sundays = Sunday and holidays
terms-switch-at = From
terms-switch-band = Price
terms-switch-add = Add an hour
terms-midnight = Midnight
terms-holidays = Holidays
terms-holidays-help = Dates such as 2026-12-25, with a space between them. They count as Sundays.
terms-cycle-month = By the month
terms-cycle-week = By the week
terms-cutoff-weekday = Last day of a period
terms-months = { $n ->
    [one] month
   *[other] { $n } months
}
terms-every = Every
terms-ends-in = One ends in
terms-ends-in-help = The month matters only for periods of several months.
terms-minimum-quantity = As a quantity
terms-minimum-amount = As money
terms-minimum-amount-help = What is missing to it is a line of its own. 0 for none.
terms-minimum-prorated = Both shrink with a period shorter than a full one
terms-fee-name = What for
terms-fee-amount = Amount a period
terms-fee-prorated = By days
terms-fee-add = Add a fee
terms-taxes-help = Each is a share of the lines before it, in this order.
terms-tax-name = Name
terms-tax-percent = Share
terms-tax-exempt = Not of these fees (with ; between)
terms-tax-compound = Also of the taxes before
terms-tax-add = Add a tax
terms-grace = Days to wait for late data
terms-grace-help = 0 to 60, after the send hour.
terms-estimate = Then estimate
terms-estimate-help = Marked on the invoice, and made good by the next reading. Without it the bill is held until somebody decides.
terms-checks-help = A flagged bill goes out all the same, unless somebody holds it. 0 switches a check off.
terms-low = Low: below this share of before
terms-high = High: above this share of before
terms-zero = Days without use
terms-stuck = Days standing still
terms-missing-days = Days without a closing reading
terms-estimated = Estimated periods in a row
terms-spike = Spike: above this share of the third highest
terms-sum = Days against registers
terms-cut = Remove
terms-say-none = none
terms-say-weekly = Weekly, last day { $day }
terms-say-last-day = the last day of the month
terms-say-day = day { $day }
terms-say-monthly = Monthly, last day { $day }
terms-say-months = { $n ->
    [one] Monthly
   *[other] Every { $n } months
}, last day { $day }, one in { $month }
terms-say-tier = up to { $up_to } { $price }
terms-say-tier-last = then { $price }
terms-say-demand = highest power { $price }/kW
terms-say-prorated = by days
terms-say-hour = { $hour }, the day after the cutoff
terms-say-hold = { $n ->
    [0] Held until somebody decides
    [one] Waits a day, then held
   *[other] Waits { $n } days, then held
}
terms-say-estimate = { $n ->
    [0] Estimated
    [one] Waits a day, then estimated
   *[other] Waits { $n } days, then estimated
}
terms-say-checks-default = as usual
terms-say-checks = below { $low } % or above { $high } % of before, { $zero } days without use, { $stuck } days standing still
terms-month-1 = January
terms-month-2 = February
terms-month-3 = March
terms-month-4 = April
terms-month-5 = May
terms-month-6 = June
terms-month-7 = July
terms-month-8 = August
terms-month-9 = September
terms-month-10 = October
terms-month-11 = November
terms-month-12 = December
terms-monday = Monday
terms-tuesday = Tuesday
terms-wednesday = Wednesday
terms-thursday = Thursday
terms-friday = Friday
terms-saturday = Saturday
terms-sunday = Sunday
terms-error-between = { $typed } is out of bounds: choose { $least } to { $most }.
terms-error-decimals = It has more than 6 decimals: write at most 6.
terms-error-per = A price for no units is none: write 1 for a price per unit.
terms-error-tier-open = Only the last tier has no end: write where this one ends.
terms-error-tier-last = The last tier must not end: add one after it, or leave this empty.
terms-error-tier-order = Each tier ends above the one before it.
terms-error-twice = There is one with that name already: choose another.
terms-error-season-order = Seasons stand in the order of their first days.
terms-error-season-day = Not every year has that day: choose another.
terms-error-switch-order = The hours of a day rise: this one is not after the one before.
terms-error-holidays = There are more than { $most } holidays: leave the past ones out.
terms-error-billed = { $meter } is billed until { $until }: choose that day or a later one.
terms-error-taken = There is a version from that day already: change that one, or choose another day.
terms-error-plan = This cannot be: { $why }.
terms-error-open = { $meter } would be without this term from { $date }: { $term }. Say it here, in its plan or at its site.
terms-error-remove-billed = A bill stands on this version, so it stays. Make a new version instead.
terms-error-remove-last = It is the meter's only version, and without one it is not billed. Change it instead.
terms-error-plans = There are { $most } plans already: rename one that is not used.
