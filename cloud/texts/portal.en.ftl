# The portal.

## Around every page

portal-skip = Skip to the content
portal-nav = Main menu
portal-other-language = Español
portal-sign-out = Sign out
portal-to-start = To the start page
portal-cancel = Cancel
portal-save = Save
portal-edit = Edit
portal-continue = Continue
portal-yes = Yes
portal-no = No
portal-all = All
portal-state = State
portal-older = Older
portal-nav-accounts = Accounts
portal-nav-home = Home
portal-nav-sites = Sites
portal-nav-gateways = Gateways
portal-nav-meters = Meters
portal-nav-my-meters = My meters
portal-nav-invoices = Invoices
portal-nav-people = People
portal-nav-notices = Notices
portal-ago-now = just now
portal-ago-minutes = { $n } min ago
portal-ago-hours = { $n } h ago
portal-ago-days =
    { $n ->
        [one] { $n } day ago
       *[other] { $n } days ago
    }
portal-done-saved = Saved.
portal-done-site = The site is there. Now add the gateway that reads its meters.
portal-done-meter = The meter is registered. Its gateway fetches it within a minute.
portal-done-removed = Removed.
portal-done-password = Your password is changed. Other devices have to sign in again.
portal-done-unlinked = The Telegram chat is no longer linked.
portal-done-welcome = Welcome! Your password is set.

## When something is wrong

portal-absent-heading = There is no such page
portal-absent-explanation = It was moved, or never there, or is somebody else's. Check the address, or begin at the start page.
portal-forbidden-heading = This request did not come from our own page
portal-forbidden-explanation = For your safety nothing was changed. Open the portal, and do it there again.
portal-fault-heading = Something went wrong on our side
portal-fault-explanation = Nothing of what you sent was kept. Try again; if it happens again, tell whoever operates this platform the number { $id }.
portal-fault-unknown = Nothing of what you sent was kept. Try again in a minute.
portal-odd-heading = This request cannot be understood
portal-odd-explanation = Go back and try again. If you came by a link, it may be incomplete.
portal-form-wrong =
    { $n ->
        [one] Nothing was saved yet: please correct the field marked below.
       *[other] Nothing was saved yet: please correct the { $n } fields marked below.
    }
portal-error-empty = Nothing is typed here: please fill it in.
portal-error-too-long = This is too long: use at most { $most } characters.
portal-error-control = There is a line break or an invisible character in it: type it again without.
portal-error-email = “{ $typed }” is not an e-mail address. Write one such as ana@example.com.
portal-error-number = “{ $typed }” is not a number. Write it in digits, such as 3.50.
portal-error-two-readings = “{ $typed }” can be read in two ways. Write { $whole } or { $broken }.
portal-error-whole = “{ $typed }” is not a whole number. Write digits only.
portal-error-date = “{ $typed }” is not a date. Choose one, or write it as 2026-11-30.
portal-error-zone = There is no time zone “{ $typed }”. Choose one from the list, or write an IANA name such as America/Tijuana.
portal-error-locale = “{ $typed }” is not a language of this portal. Choose one from the list.
portal-error-currency = There is no currency “{ $typed }” here. Choose one from the list.
portal-error-choice = “{ $typed }” is not one of the choices. Choose one from the list.
portal-error-password = The password has { $found } characters: use { $least } to { $most }.
portal-error-current-password = This is not your current password.
portal-error-member = This person is in your account already: look for them in the list of people.
portal-error-profile = There is no profile “{ $profile }” for a meter. Choose a model from the list.
portal-error-counter-none = No model is chosen: without it nobody knows where the meter keeps its register. Choose one.
portal-error-unit-id = The unit id is { $typed }: Modbus gives devices 1 to 247. Look at the device's display or manual.
portal-error-place-taken = Unit id { $unit } on bus “{ $bus }” has a device already: two would answer at once. Give this one another unit id.
portal-error-first-day = The first day is too far away: choose one at most five years back and one year ahead.
portal-error-billed = Everything before { $first } is billed and stays as it is. Choose that day or a later one.
portal-error-cutoff-day = The cutoff day is { $typed }: choose 1 to 31. In a shorter month its last day counts.
portal-error-send-hour = The hour is { $typed }: choose 0 to 23.
portal-error-price = The price is { $typed }: it must be between 0 and 1,000,000,000.
portal-error-price-decimals = The price { $typed } has more than 6 decimals: round it.
portal-error-minimum = The minimum is { $typed }: it must be between 0 and 1,000,000,000. Write 0 for none.

## Signing in

portal-sign-in = Sign in
portal-sign-in-lead = See what your meters read, and what it costs.
portal-sign-in-help = No password yet, or forgotten? Ask whoever manages your meters for a new link.
portal-sign-in-wrong = The e-mail address or the password is not right. Please try again.
portal-sign-in-throttled = Too many tries. Wait a minute, then try again.
portal-email = E-mail
portal-password = Password
portal-password-new = New password
portal-password-current = Current password
portal-password-help = At least { $least } characters. A few words in a row are easy to remember and hard to guess.
portal-password-title = Choose your password
portal-password-lead = Hello { $name }, this is how you will sign in.
portal-password-set = Set the password
portal-password-email-help = You sign in with this address.
portal-password-change = Change the password
portal-link-spent-title = This link is no longer good
portal-link-spent = A link works once, within 7 days. If you have a password, sign in; else ask whoever invited you for a new link.

## Accounts

portal-account = Account
portal-accounts-lead = Each account belongs to an integrator, who registers meters and invites their readers.
portal-accounts-empty = There is no account yet. Make the first one: its integrator gets a link by mail.
portal-account-new = New account
portal-account-add = Make the account
portal-account-name = Name of the account
portal-account-name-help = The integrator's name, as their invoices show it.
portal-account-first = First integrator
portal-account-first-help = They get a link to set their password.
portal-integrator-invite = Invite an integrator
portal-invite = Invite
portal-role = Role
portal-role-integrator = Integrator
portal-role-monitor = Monitor user

## People

portal-language = Language
portal-language-help = The language of the portal for them. Invoices speak the language of their meter.
portal-people-lead = Monitor users see the meters you assign to them, and nothing else.
portal-people-empty = Nobody is here yet.
portal-person-name = Name
portal-person-new = Invite a monitor user
portal-person-new-lead = They get a link by mail to set their password; you will see it too, to hand it over another way.
portal-person-active = Active
portal-person-invited = Invited
portal-person-meters = Meters and how their invoices arrive
portal-person-meters-help = Assigning a meter lets them see its readings and every invoice.
portal-person-new-link = Send the link again
portal-person-remove = Remove from the account
portal-person-remove-lead = { $name } will no longer see any meter of this account, and gets no more invoices or warnings. What was issued stays. You can invite them again.
portal-remove-confirm = Yes, remove
portal-may-change = May change settings
portal-switch = This person may change settings of their meters
portal-switch-help = Cutoff day, minimum consumption, and how invoices reach them. The price stays with you.
portal-invited-title = Invitation
portal-invited-lead = A mail with a link is on its way to { $name } ({ $email }).
portal-invited-known = { $name } ({ $email }) is known here already. A mail tells them how to come in.
portal-invited-link = The same link, to hand over yourself
portal-invited-link-help = It works once, within 7 days. It is shown only now. Whoever opens it sets the password, so give it to nobody else.
portal-delivery = Invoices by
portal-delivery-email = E-mail
portal-delivery-telegram = Telegram
portal-delivery-both = E-mail and Telegram
portal-delivery-none = Sees it, gets no messages
portal-delivery-not = Not assigned
portal-delivery-not-integrator = Only when nobody else is reached
portal-telegram-linked = Telegram linked
portal-telegram-not-linked = Telegram not linked

## Sites and gateways

portal-site = Site
portal-sites-lead = A site is a building with its gateways and meters.
portal-sites-empty = No site yet. Begin with the building whose meters you want to bill.
portal-site-new = New site
portal-site-new-lead = New meters of this site get its time zone and language; each can have its own.
portal-site-add = Add the site
portal-site-edit = Edit the site
portal-site-edit-lead = Meters that are registered keep their own time zone and language.
portal-site-name = Name of the site
portal-site-name-help = As invoices shall show it, for example “Plaza Norte”.
portal-zone = Time zone
portal-zone-help = Days begin and periods close at midnight here. Pick from the list, or type an IANA name.
portal-locale = Language and region
portal-locale-help = The language of invoices and messages, and how numbers and dates are written.
portal-gateway = Gateway
portal-gateways-lead = What reads the meters of a site and sends the readings here.
portal-gateways-empty = No gateway yet. Add one on the page of its site.
portal-gateway-new = Add a gateway
portal-gateway-new-lead = Next you get a code that lets it in.
portal-gateway-add = Add it and show the code
portal-gateway-name = Name of the gateway
portal-gateway-name-help = Where it hangs, for example “Electrical room, ground floor”.
portal-kind = Kind
portal-kind-gateway = Enervue gateway (Linux)
portal-kind-connektor = Connektor card
portal-kind-help = A Connektor card reads up to { $most } meters; an Enervue gateway as many as its lines carry.
portal-gateway-online = Online
portal-gateway-away = Away
portal-gateway-last-seen = last heard { $ago }
portal-gateway-away-why = Last heard { $ago }. It has no power or no internet, most likely. It keeps the readings and sends them when it is back.
portal-gateway-not-enrolled = Not enrolled
portal-gateway-never-seen = Enrolled, not heard yet
portal-gateway-not-enrolled-help = This gateway is not enrolled yet. Make a code, and type the command it comes with on the gateway.
portal-connektor-full = This Connektor card reads { $most } meters already, and can read no more. Use another card or an Enervue gateway for the next meter.
portal-software = Software
portal-waiting = Readings waiting to be sent
portal-buses = Buses
portal-buses-empty = The gateway has reported no bus.
portal-bus = Bus
portal-bus-up = Works
portal-bus-down = Fault
portal-bus-error = Bus “{ $bus }”: { $error }
portal-bus-and-unit = Bus · unit id
portal-bus-help = The gateway reported: { $buses }.
portal-bus-help-unknown = The bus as the gateway's file names it. This gateway has not reported its buses yet.
portal-running-since = Program running since
portal-up-since = Machine on since
portal-disk = Disk
portal-disk-free = { $free } free of { $all }
portal-disk-why = The gateway's disk is almost full: { $free } are left. Free some room on it, or put in a larger card; when the room ends, it can keep nothing more.
portal-temperature = Temperature
portal-hot-why = The gateway's processor is at { $temperature } and slows down. Give it air, or a place in the shade.
portal-clock = Clock
portal-clock-trusted = Right
portal-clock-untrusted = Not set
portal-clock-none = nobody has told it the time since it was switched on
portal-clock-ntp = kept by a time server
portal-clock-cloud = set by this cloud
portal-clock-machine = the machine's own, which nobody has confirmed
portal-clock-test = a test clock
portal-clock-ahead = the machine's own is { $seconds } s ahead
portal-clock-behind = the machine's own is { $seconds } s behind
portal-clock-untrusted-why = The gateway does not know what time it is. It keeps reading, and dates what it has read as soon as it hears from a time server or from here. Until then nothing of it decides an invoice.
portal-waiting-since = oldest from { $when } · { $ago }
portal-buffer = Readings kept on its disk
portal-buffer-size = { $used } of { $most }
portal-lost = Readings lost
portal-refused = Readings refused
portal-none = None
portal-damage-why = The gateway's disk gave back something else than was written, or an old copy of it was put in: the gateway set its database aside and began a new one with what was intact. Replace the card if it happens again.
portal-traffic = Requests on the line
portal-traffic-help = Since the gateway's program started. Many without an answer point to wiring, address or power; many damaged ones to the line's ends, its length, or two devices with one address.
portal-traffic-requests = Requests
portal-traffic-answers = Answers
portal-traffic-timeouts = No answer
portal-traffic-damaged = Damaged
portal-traffic-exceptions = Refused by the device
portal-do = Ask it
portal-read-now = Read now
portal-diagnose = Diagnose
portal-orders = What it was asked
portal-orders-wait = This page draws itself again every few seconds until the answer is here.
portal-orders-still = Stand still
portal-order-show = Show the answer
portal-order-read = Read { $meter } now
portal-order-asked = { $when } · { $by }
portal-order-waits = Waiting for the answer
portal-order-done = Answered
portal-order-failed = Failed
portal-order-expired = Not done
portal-order-expired-why = The gateway did not answer within 10 minutes. Ask it again when it is online.
portal-order-what = What
portal-order-value = Value
portal-doubled-why = Two gateways speak with this gateway's key (noticed { $when }): a copy of its card is running somewhere, or an old copy was put in. Find the second and switch it off; then make a new code here and enrol the one that stays, which gives it a key of its own. Until then what both send is kept apart where it contradicts itself.
portal-losses = Losses
portal-losses-when = When
portal-losses-why = Why
portal-losses-unknown = not known
portal-seal-faults = Seals that do not hold
portal-seal-faults-help = Such a reading is kept and marked. A seal does not hold when the reading was changed on its way, when another key made it, or when a link before it is missing. Look whether the gateway's card was copied or exchanged.
portal-seal-link = Link
portal-seal-fault = Fault
portal-keys = Keys
portal-key-fingerprint = Fingerprint
portal-key-from = Since
portal-key-until = Until
portal-key-now = Counts now
portal-chain = Seals
portal-chain-sealed = sealed through { $date }, link { $link }
portal-chain-none = not sealed yet
portal-chain-broken = Link { $link } does not hold: { $fault }.
portal-chain-fault = Fault
portal-access = Access
portal-access-help = What lets this gateway in, and shuts it out.
portal-key-change = Change key
portal-key-change-lead = { $gateway } makes a new key and hands it over with the old one. Nothing is lost on the way, and what the old key has sealed stays good. Do this now and then, or when somebody may have seen the gateway's disk.
portal-key-change-confirm = Yes, change the key
portal-revoke = Revoke
portal-revoke-lead = From this moment nothing that { $gateway } sends is taken. It goes on reading and keeps what it reads on its disk. To let it in again, make a new code on its page and type the command on the gateway: what it has kept arrives then.
portal-revoke-confirm = Yes, shut it out
portal-done-asked = Asked. The answer will stand below.
portal-done-asked-much = So much is waiting that the gateway was not asked: wait until it has answered.
portal-done-revoked = The gateway is shut out. It keeps its readings; a new code lets it in again.
portal-devices = Devices
portal-devices-empty = Nothing is registered on this gateway yet. Register the first meter.
portal-device-answers = Answers
portal-device-silent = Does not answer
portal-device-unknown = Not reported yet
portal-code = Code
portal-code-new = New code
portal-code-command = Type this on the gateway
portal-code-lead = With this code the gateway joins your account. The code is shown only now and works once.
portal-code-lead-connektor = Type this code into the configuration software of the Connektor card. It is shown only now and works once.
portal-code-expires =
    { $minutes ->
        [one] It is good for { $minutes } minute, until { $until } ({ $zone }).
       *[other] It is good for { $minutes } minutes, until { $until } ({ $zone }).
    }

## Meters

portal-meter = Meter
portal-medium = Measures
portal-medium-electric = Electricity
portal-medium-water = Water
portal-medium-thermal = Thermal energy
portal-last-reading = Last reading
portal-language-zone = Language · zone
portal-price = Price
portal-cutoff-on = closes on day { $day }
portal-cutoff-last = last day of the month
portal-cutoff-or-last = day { $day }, or the last of a shorter month
portal-meters-empty = No meter yet. Register one on the page of its gateway.
portal-meters-cut = { $shown } of { $all } meters are shown; the others are on the pages of their sites.
portal-meter-new-from-gateway = Register a meter
portal-meter-register = Register a meter
portal-meter-add = Register the meter
portal-meter-fresh = Records
portal-meter-silent = Silent
portal-meter-new = Waiting for its first reading
portal-meter-never = No reading yet
portal-meter-silent-why = Nothing recorded since { $ago }. Look at the power and wiring of the meter and its gateway; without a reading at the cutoff the invoice has to wait.
portal-meter-never-why = This meter has not been read since it was registered. Check the unit id, the bus, the model and the wiring: the page of its gateway says what it answers.
portal-section-meter = The meter
portal-section-place = Where its gateway finds it
portal-section-terms = Billing terms
portal-section-recipients = Who gets the invoices
portal-section-recipients-help = Only people of your account are listed; invite others under “People”. With nobody chosen, invoices come to you.
portal-label = Label
portal-label-help = What it serves, as the invoice shall say it: “Local 204”.
portal-counter = Model and unit
portal-counter-choose = Choose a model …
portal-counter-help = What the plate says, with the unit on its display. The invoice is written in this unit.
portal-serial = Serial number
portal-serial-help = From the plate, if you have it. It lets readers check that the invoice is about their meter.
portal-profile = Profile
portal-unit-id = Unit id
portal-unit-id-help = The device's Modbus address, 1 to 247; each on a bus has its own.
portal-first-day = First day
portal-first-day-help = From this day on the device serves this meter. The first period begins with the first reading at midnight.
portal-price-unit = Price per unit
portal-price-help = Up to 6 decimals, for example 3.50.
portal-currency = Currency
portal-minimum = Minimum consumption
portal-minimum-help = A period bills at least this much, in the meter's unit. 0 for none.
portal-cutoff-day = Cutoff day
portal-cutoff-help = The last day of a period, 1 to 31. In a shorter month its last day counts.
portal-send-hour = Hour of sending
portal-send-hour-help = Invoices go out the day after the cutoff at this hour, 0 to 23, in the meter's time zone.
portal-sends = Sent
portal-sends-at = the day after the cutoff, { $hour }
portal-settings = Settings
portal-terms-help = A new price counts from the day you choose; a new cutoff day, minimum or currency from the next period.
portal-effective-from = Counts from
portal-effective-help = The first day of the new terms. What is billed already stays as it is.
portal-managed-by = Managed by { $account }
portal-next-sentence = Next: { $dates }, sends { $sends } ({ $zone }).
portal-plans = History of the terms
portal-running = Running period
portal-so-far = so far
portal-running-unknown = What was used so far is known as soon as there is a reading from the start of the period.
portal-running-none = There is no running period yet.
portal-reading-at = { $when } · { $ago }
portal-last-periods = Last four periods
portal-last-invoice = Last invoice
portal-period = Period
portal-consumption = Consumption
portal-total = Total
portal-recipients = Who gets the invoices
portal-recipients-lead = Changes count from the next message.
portal-recipients-none = Nobody is assigned: invoices go to the integrator.
portal-recipients-own = How invoices reach you is set here by whoever manages the meter.
portal-recipients-change = Change deliveries
portal-excel = Excel
portal-excel-all = Everything in Excel
portal-my-meters-empty = No meter is assigned to you yet. Whoever manages them can do it.

## Invoices and notices

portal-invoice-number = Invoice { $number }
portal-invoice-issued = Issued
portal-invoice-held = Waiting
portal-invoices-empty = No invoice yet. Each goes out by itself the day after the cutoff.
portal-invoices-none-yet = No period has closed yet. The invoice goes out by itself the day after the cutoff.
portal-held = { $meter } · { $dates }: the invoice waits
portal-simulated = Simulated
portal-invoice-days-read = Days with a reading of their own: { $read } of { $days }
portal-invoice-device = Meter no. { $number }.
portal-no-reading = no reading
portal-as-table = Show as a table
portal-notices-lead = Every message that was due, newest first, with what the mail server or Telegram answered.
portal-notices-empty = No message was due yet.
portal-notice = Message
portal-notice-to = To
portal-notice-by = By
portal-notice-invoice = Invoice
portal-notice-silent = Silent meter
portal-notice-recovered = Records again
portal-notice-invitation = Invitation
portal-notice-sent = Sent
portal-notice-failed = Given up
portal-notice-due = Waiting
portal-notice-retrying = Will be tried again

## Home

portal-tile-online = online
portal-tile-fresh = read within a day
portal-tile-next = Next invoices
portal-tile-next-help = made by themselves
portal-tile-undelivered = Undelivered
portal-tile-undelivered-help = messages
portal-steps = First steps
portal-step-done = done
portal-step-site = Add a site
portal-step-site-help = The building, its time zone and language.
portal-step-gateway = Connect a gateway
portal-step-gateway-help = One command with a code that lives 15 minutes.
portal-step-meter = Register the meters
portal-step-meter-help = Model, address, price and cutoff day.
portal-step-people = Invite who reads them
portal-step-people-help = They see their meters and invoices only.
portal-attention = Needs attention
portal-attention-none = All is well. Whatever needs you will stand here.
portal-attention-more =
    { $n ->
        [one] and { $n } more
       *[other] and { $n } more
    }

## One's own settings

portal-me = My settings
portal-me-about = About me
portal-me-password = Password
portal-me-password-help = Changing it signs you out everywhere else.
portal-telegram = Telegram
portal-telegram-help = Get invoices and warnings as Telegram messages. The button makes a link that opens our bot; press Start there.
portal-telegram-link = Link Telegram
portal-telegram-unlink = Unlink Telegram
portal-telegram-linked-help = Your Telegram chat is linked. Unlinked, your messages come by mail.
portal-telegram-open = Open Telegram
portal-telegram-open-help = Open the bot and press Start. The link is yours alone, works once and lives 10 minutes.
portal-telegram-down = Telegram cannot be reached right now. Try again in a few minutes.

# Invoices, their workbook and the notices.
portal-invoice-column = Invoice no.
portal-export-cut = The Excel file holds the first { $most } of your { $all } meters; those of the others are on their own pages.
portal-notice-attempts = Attempts

portal-verification-file = Verification file
portal-link = Public page
portal-link-lead = Whoever holds the paper with the QR code sees this invoice, without any name, at { $address }. Revoke the page if the paper is in the wrong hands: then the code leads nowhere, for ever.
portal-link-open = Open the page
portal-link-confirm = Yes, revoke the page
portal-link-revoked = The public page of this invoice is revoked: the QR code on paper leads nowhere.
portal-done-link = The public page is revoked.
portal-verify = Verification
portal-verify-identical = Checked just now: it is what was issued
portal-verify-differs = It is NOT what was issued. These fields differ:
portal-verify-sealed = Every register rests on readings that the gateway sealed.
portal-verify-unsealed = Not everything rests on readings that the gateway sealed. These do not:
portal-verify-keys = Signed and sealed by
portal-verify-issuer = Issuer's key
portal-verify-gateway = Gateway's key
portal-verify-self = Nobody has to believe this page: ask the issuer for the verification file and check it yourself, without any server, with enervue-cloud invoice verify. The gateway shows its key too.
portal-verify-proves = This proves that nothing has changed since the gateway read the meter, that no sealed reading in between was left out, and that the amounts are what the stated terms make of the registers.
portal-verify-not = It does not prove that the meter is right, nor that the terms were agreed.
portal-verify-adjustment = Adjustment
