# E-mails and Telegram messages, and why a period is held.

notice-invoice-subject = Invoice { $meter } · { $total } · { $dates }
notice-readings = Readings
notice-view-invoice = View invoice

notice-silent-subject = No data from { $meter } since { $when }
notice-silent-lead = { $meter } has recorded nothing since { $when }.
notice-silent-effect = The period ends with { $date }. Without a reading from the start of the day after it, its invoice has to wait. What the gateway keeps arrives by itself once it is back online.
notice-silent-causes = It is usually one of these:
notice-silent-cause-power = The meter or the gateway has no power.
notice-silent-cause-internet = The gateway has no Internet: look at its connection in the portal.
notice-silent-cause-line = The RS-485 wiring is loose, or the meter's address was changed.
notice-view-meter = View meter

notice-recovered-subject = { $meter } is recording again
notice-recovered-lead = { $meter } is recording again. It had recorded nothing since { $since }; its latest reading is from { $until }.
notice-recovered-effect = No consumption is lost: invoices are made from the registers at both ends of a period.

notice-invitation-subject = { $account }: your access to Enervue
notice-invitation-lead = Hello { $name }, { $account } gives you access to Enervue, where you see your meters, their consumption and their invoices.
notice-invitation-link = If you have no password yet, the link asks you to set one. It works once, within 7 days. If you did not expect this message, ignore it.
notice-open = Open Enervue

notice-bot-linked = Done, { $name }: this chat now gets what is sent to you by Telegram. To end it, write /stop.
notice-bot-spent = This link is no longer good: it works once, within 10 minutes. Press the Telegram button in the portal again.
notice-bot-private = I only talk in private chats. Open the link from the portal in a private chat with me.
notice-bot-stopped = This chat gets nothing any more. Your invoices come by e-mail from now on.
notice-bot-not-linked = This chat is not linked to anybody.
notice-bot-help = I deliver invoices and warnings of your meters. To link this chat, press the Telegram button in the portal. To end it, write /stop.

notice-hold-no-first-reading = There is no closing reading since the device was mounted ({ $when }). The first period starts with the first one.
notice-hold-no-device = The meter had no device at the start of { $date }.
notice-hold-reading-missing = There is no good reading within 10 minutes of { $when }. The invoice is made as soon as it arrives.
notice-hold-device-changed = The device was exchanged between { $from } and { $until }.
notice-hold-unit-differs = At the start of { $date } the register counted in { $read }, but the meter is billed in { $billed }.
notice-hold-register-fell = The register fell from { $before } ({ $from }) to { $after } ({ $until }): was the device replaced or reset, or did its counter begin again at zero?
notice-hold-register-jumped = The register jumped from { $before } ({ $from }) to { $after } ({ $until }), more than can go through in that time: was the device replaced or set anew?
notice-hold-peak-missing = The plan charges the highest power, and no readings tell it: enter it, or choose a plan without a demand price.
notice-hold-too-many-digits = A figure has more digits than can be computed exactly: look at the price and the readings.
notice-hold-by-person = Whoever sends the invoices looks at it first.
