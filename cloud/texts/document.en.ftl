# The invoice as PDF, and the charts that pages and PDF share.

document-gaps =
    { $days ->
        [one] Hatched: { $days } day without a closing reading
       *[other] Hatched: { $days } days without a closing reading
    }
document-reckoned =
    { $days ->
        [one] Hollow: { $days } day whose register was not read, but reckoned
       *[other] Hollow: { $days } days whose registers were not read, but reckoned
    }
document-chart-daily = Daily use
document-chart-highest = Highest: { $quantity } on { $date }
document-chart-periods = Periods

document-number = Invoice { $number }
document-issued = Issued { $when }
document-electric = Electricity
document-water = Water
document-thermal = Thermal energy
document-serial-number = meter no. { $number }
document-days =
    { $days ->
        [one] { $days } day
       *[other] { $days } days
    }
document-total = Total
document-consumption = Consumption
document-less-than-before = { $percent } less than the period before
document-more-than-before = { $percent } more than the period before
document-same-as-before = as much as in the period before
document-calculation = How it was calculated
document-closing = Closing register
document-switch = Register at the price change
document-opening = Opening register
document-difference = closing − opening
document-minimum = Minimum billed
document-minimum-applies = applies
document-minimum-not = does not apply
document-minimum-line = Up to the minimum
document-notice = Informative statement, not a tax document. It is not a bill from the utility.
document-compare = Compare the closing register with the display of your meter.
document-contact = Questions: { $contact }
document-code = The code opens a public page without names that computes this bill again and says whether anything changed since the gateway read the meter. It cannot say whether the meter is right.
document-day = Day
document-day-register = Register at its start
document-day-read = Read
document-day-used = Use
document-day-reckoned = reckoned, not read
document-day-unknown = no closing reading
document-day-end = end of the period
document-days-note = The registers of the days are detail: the bill rests on those at both ends.
document-ids = Meter { $meter } · invoice { $invoice } · times in { $zone }
document-simulated = Simulated: a program invented these readings. Nothing is to be paid.
document-simulated-mark = SIMULATED

document-lost-among =
    { $n ->
        [one] Between { $from } and { $until } the gateway lost { $count } reading, and it was this meter's: { $why }.
       *[other] Between { $from } and { $until } the gateway lost { $count } readings, this meter's among them: { $why }.
    }
document-lost-maybe =
    { $n ->
        [one] Between { $from } and { $until } the gateway lost { $count } reading, which may be this meter's: { $why }.
       *[other] Between { $from } and { $until } the gateway lost { $count } readings, and this meter's may be among them: { $why }.
    }
document-lost-undated =
    { $n ->
        [one] The gateway lost { $count } reading, nobody knows from when; it may be this meter's: { $why }.
       *[other] The gateway lost { $count } readings, nobody knows from when; this meter's may be among them: { $why }.
    }
document-lost-size = its buffer was full
document-lost-damage = its disk was damaged
document-lost-expired = they were too old to be sent again
document-lost-other = there are several reasons
document-lost = Lost readings
document-lost-count =
    { $n ->
        [one] { $count } reading of this period was lost.
       *[other] { $count } readings of this period were lost.
    }
document-lost-effect = The amount rests on the registers at both ends, and does not change by it.
document-link = seal { $link }
document-dated = dated afterwards
document-dated-why = Dated afterwards: the gateway's clock was not set yet, so its time was reckoned later from the time that had passed.

document-credit-number = Credit { $number }
document-credit-of = Credit for invoice { $number }: { $reason }
document-in-place-of = In place of invoice { $number }: { $reason }
document-taken-back = Taken back by credit { $number }.
document-replaced = Invoice { $number } is in its place.

document-switches = Registers in between
document-switches-how = { $n ->
    [one] one, at a change of the price
   *[other] { $n }, at the changes of the price
}
document-exchange-opening = Register of the new device
document-exchange-closing = Register of the old device
document-interpolated = between two readings, ± { $bound }
document-estimated = estimated
document-noted = read off the display
document-difference-each = the differences of each device
document-difference-times = (closing − opening) × { $times }
document-rolled-over = the counter began again at { $at }
document-demand = Highest power
document-common-area = Share of the common area
document-minimum-amount = Up to the minimum amount
document-detail = hours and powers within the period are not sealed
document-tax-of = { $rate } of { $base }
document-share = { $days } of { $of } days
document-trust-actual = both actual
document-trust-dated = actual, dated afterwards
document-trust-simulated = simulated
document-trust-estimated = estimated: the next bill puts it right
document-trust-interpolated = one lies between two readings
