# The invoice as PDF, and the charts that pages and PDF share.

document-gaps =
    { $days ->
        [one] Hatched: { $days } day without a closing reading
       *[other] Hatched: { $days } days without a closing reading
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
document-ids = Meter { $meter } · invoice { $invoice } · times in { $zone }
document-simulated = Simulated: a program invented these readings. Nothing is to be paid.
document-simulated-mark = SIMULATED
