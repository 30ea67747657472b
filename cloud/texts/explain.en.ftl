# Why a bill differs from another one, in parts that add up.

explain-title = Why this amount
explain-first = There is no bill before this one to compare it with.
explain-against-last = Against the last bill, { $dates }
explain-against-year = Against a year ago, { $dates }
explain-apart-unit = That bill is in another unit, so the two cannot be compared.
explain-apart-currency = That bill is in another currency, so the two cannot be compared.
explain-apart-digits = An amount has too many digits to be compared exactly.

explain-use-more = You used { $percent } more
explain-use-less = You used { $percent } less
explain-use-same = You used as much
explain-use-other = You used { $now }
explain-use-how = { $now } instead of { $before }
explain-days = { $n ->
    [one] in one day instead of { $before }
   *[other] in { $n } days instead of { $before }
}
explain-price-rose = The price rose
explain-price-fell = The price fell
explain-price-on = { $now } instead of { $before }, from { $date }
explain-price-to = { $now } instead of { $before }
explain-price-since = Other prices from { $date }
explain-price-other = Other prices
explain-price-utility = The utility's price, which is passed on
explain-use-and-price = Use and prices together
explain-use-and-price-how = The prices changed with the hours, and the meter was not read at those of the other bill.
explain-minimum-more = The minimum added more
explain-minimum-less = The minimum added less
explain-fees = Fees
explain-adjustments = Added or taken off once
explain-taxes = Taxes
explain-more = In all you pay more
explain-less = In all you pay less
explain-same = In all you pay as much
explain-instead = { $now } instead of { $before }

explain-display-question = Does your display read this?
explain-display-read = Read { $when }
explain-display-help = Look at the meter itself. It may have counted on a little since.
explain-display-yes = Yes
explain-display-no = No, it shows…
explain-display-answered = You looked on { $when }: it showed { $shown }.
explain-display-lead = The register was { $register } on { $when }. What does the display of the meter show now?
explain-display-nothing = No device of this meter has been read yet, so there is nothing to compare its display with.
explain-display-shown = The display shows
explain-display-shown-help = All its digits, with those behind the point. It is filed with the reading, and changes no bill by itself.
explain-display-submit = File it
explain-display-no-register = No display shows that: type its digits as they stand, with one decimal mark.
explain-display-many = This meter was looked at often today: try again tomorrow, or ask whoever bills you.
explain-display-done-agrees = Thank you. It is filed: display and readings agree.
explain-display-done-differs = Thank you. It is filed: the display reads something else than was recorded, and whoever bills the meter sees that.
explain-display-checks = What people read off the display
explain-display-column-who = Looked at
explain-display-column-shown = Display
explain-display-column-register = Register
explain-display-agrees = Agrees
explain-display-differs = Differs
explain-display-cause = On { $when } somebody read { $shown } off the display, but the register was { $register }: look at it, and say on the meter's page what it shows.
