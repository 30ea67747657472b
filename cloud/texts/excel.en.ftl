# The workbook. Names of sheets have at most 31 characters.

excel-title = Consumption and invoices
excel-sheet-invoices = Invoices
excel-sheet-daily = Daily readings
excel-sheet-about = About

excel-number = Invoice
excel-site = Site
excel-meter = Meter
excel-medium = Service
excel-from = From
excel-to = To (inclusive)
excel-opening = Opening register
excel-closing = Closing register
excel-consumption = Consumption
excel-minimum = Minimum
excel-billed = Billed
excel-unit = Unit
excel-price = Price per unit
excel-total = Total
excel-currency = Currency
excel-issued = Issued (local time)
excel-zone = Time zone
excel-note = Note
excel-days = Days

excel-date = Date
excel-register = Register at start of day
excel-use = Use of the day
excel-read-local = Read at (local time)
excel-read-utc = Read at (UTC)

excel-electric = Electricity
excel-water = Water
excel-thermal = Thermal energy

excel-simulated = Simulated
excel-no-reading = No closing reading
excel-register-fell = The register fell: no use counted

excel-about-what = What
excel-about-says = Meaning
excel-about-issuer = Issued by
excel-about-generated = Made on
excel-about-to = The last day of the period. It belongs to the period.
excel-about-consumption = Closing register minus opening register.
excel-about-billed = The consumption, or the minimum if that is more.
excel-about-register = What the meter showed when the day began in its time zone.
excel-about-use = The next day's register minus this day's. Empty until both are there.
excel-about-no-reading = No reading was taken close enough to the start of that day. It is not zero; the use is in the difference of the registers before and after it.
excel-about-numbers = Numbers and dates
excel-about-numbers-are = They are real numbers and dates: they can be summed and sorted. Excel keeps 15 significant digits.
excel-opening-link = Opening seal
excel-closing-link = Closing seal
excel-lost = Readings lost
excel-dated = Dated afterwards
excel-about-link = The place of the register reading in the meter's chain of seals; empty when it is not sealed.
excel-about-lost = Readings of all devices of the gateway that were lost in the period, this meter's among them as far as is known. The amount rests on the registers at both ends.
