# The invoice as PDF, and the charts that pages and PDF share.

document-gaps =
    { $days ->
        [one] Hatched: { $days } day without a closing reading
       *[other] Hatched: { $days } days without a closing reading
    }
document-chart-daily = Daily use
document-chart-highest = Highest: { $quantity } on { $date }
document-chart-periods = Periods
