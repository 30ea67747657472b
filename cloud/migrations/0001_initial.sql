-- Enervue cloud, schema 1. Portable subset: BIGINT and TEXT only; instants are milliseconds
-- since 1970 (…_ms), dates are YYYY-MM-DD, decimals are text, yes and no are 1 and 0.
-- account_id stands first in every key but those of the few global tables.

-- Global: people, how they sign in, and what maps a secret to its account.

CREATE TABLE person (
    person_id BIGINT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    administrator BIGINT NOT NULL,
    password_hash TEXT,
    email_verified_ms BIGINT,
    telegram_chat BIGINT UNIQUE,
    created_ms BIGINT NOT NULL
);

CREATE TABLE session (
    session_hash TEXT NOT NULL PRIMARY KEY,
    person_id BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX session_by_person ON session (person_id);

-- purpose: password (invitation or reset), telegram (the /start of a chat).
CREATE TABLE one_time_link (
    link_hash TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    person_id BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT
);

CREATE TABLE enrolment_code (
    code_hash TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL,
    gateway_id BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT
);

-- A token that was replaced is good until its successor is used: the gateway may not have
-- heard of it.
CREATE TABLE gateway_token (
    token_hash TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL,
    gateway_id BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    replaced_ms BIGINT,
    revoked_ms BIGINT
);
CREATE INDEX gateway_token_by_gateway ON gateway_token (account_id, gateway_id);

-- The public key by which this installation signs its invoices. There is one.
CREATE TABLE issuer_key (
    place BIGINT NOT NULL PRIMARY KEY CHECK (place = 1),
    public_key TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

-- The token in the QR code of an invoice. It stands on paper for ever: it is kept as it is.
CREATE TABLE invoice_link (
    token TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL,
    invoice_id BIGINT NOT NULL,
    revoked_ms BIGINT,
    created_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX invoice_link_by_invoice ON invoice_link (account_id, invoice_id);

-- An account and what stands under it.

CREATE TABLE account (
    account_id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    contact TEXT NOT NULL,
    next_invoice_number BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);

-- role: integrator, monitor.
CREATE TABLE membership (
    account_id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    role TEXT NOT NULL,
    may_change_settings BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, person_id)
);
CREATE INDEX membership_by_person ON membership (person_id);

CREATE TABLE site (
    account_id BIGINT NOT NULL,
    site_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    zone TEXT NOT NULL,
    locale TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, site_id)
);

-- kind: gateway, connektor. report is the last common::sync::GatewayReport, as JSON.
-- doubled_ms: since when it is known that two buffers speak with one key.
CREATE TABLE gateway (
    account_id BIGINT NOT NULL,
    gateway_id BIGINT NOT NULL,
    site_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    host TEXT,
    enrolled_ms BIGINT,
    seen_ms BIGINT,
    report TEXT,
    doubled_ms BIGINT,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, gateway_id)
);

-- The keys that sign a gateway's seals, each from when it was made known until its successor
-- was used and the time for what it had sealed before was over.
CREATE TABLE gateway_key (
    account_id BIGINT NOT NULL,
    gateway_id BIGINT NOT NULL,
    public_key TEXT NOT NULL,
    from_ms BIGINT NOT NULL,
    until_ms BIGINT,
    PRIMARY KEY (account_id, gateway_id, public_key)
);

CREATE TABLE device (
    account_id BIGINT NOT NULL,
    device_id BIGINT NOT NULL,
    gateway_id BIGINT NOT NULL,
    profile TEXT NOT NULL,
    bus TEXT NOT NULL,
    unit_id BIGINT NOT NULL,
    serial_number TEXT NOT NULL,
    poll_period_s BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    removed_ms BIGINT,
    PRIMARY KEY (account_id, device_id)
);
CREATE INDEX device_by_gateway ON device (account_id, gateway_id);
-- One unit id answers once on a bus; a removed device leaves its place.
CREATE UNIQUE INDEX device_place ON device (account_id, gateway_id, bus, unit_id)
    WHERE removed_ms IS NULL;

-- last_good_ms: the instant of the newest good billing reading, or of the registration.
-- next_close_ms: the instant at which the next period is looked at.
CREATE TABLE meter (
    account_id BIGINT NOT NULL,
    meter_id BIGINT NOT NULL,
    site_id BIGINT NOT NULL,
    label TEXT NOT NULL,
    medium TEXT NOT NULL,
    unit TEXT NOT NULL,
    locale TEXT NOT NULL,
    zone TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    last_good_ms BIGINT NOT NULL,
    next_close_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, meter_id)
);
CREATE INDEX meter_by_close ON meter (next_close_ms);
CREATE INDEX meter_by_last_good ON meter (last_good_ms);

-- A device's point serves a meter from one instant to another. opening and closing are
-- common::quantity::Quantity as JSON, read off its display.
CREATE TABLE mounting (
    account_id BIGINT NOT NULL,
    meter_id BIGINT NOT NULL,
    from_ms BIGINT NOT NULL,
    until_ms BIGINT,
    device_id BIGINT NOT NULL,
    point TEXT NOT NULL,
    opening TEXT,
    closing TEXT,
    multiplier TEXT NOT NULL,
    rolls_over_at TEXT,
    max_rate TEXT,
    PRIMARY KEY (account_id, meter_id, from_ms)
);
CREATE INDEX mounting_by_device ON mounting (account_id, device_id);

-- Billing plans with a name, which several meters follow.
CREATE TABLE plan (
    account_id BIGINT NOT NULL,
    plan_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, plan_id)
);

-- Billing terms, a version for each date from which they count. level: site, plan, meter;
-- owner_id is the one of that kind. terms is plan::terms::Terms, as JSON.
CREATE TABLE terms (
    account_id BIGINT NOT NULL,
    level TEXT NOT NULL,
    owner_id BIGINT NOT NULL,
    effective_from TEXT NOT NULL,
    terms TEXT NOT NULL,
    changed_by BIGINT,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, level, owner_id, effective_from)
);

-- Who sees a meter, and how its invoices reach them: email, telegram, both, none.
CREATE TABLE assignment (
    account_id BIGINT NOT NULL,
    meter_id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    channel TEXT NOT NULL,
    PRIMARY KEY (account_id, meter_id, person_id)
);
CREATE INDEX assignment_by_person ON assignment (account_id, person_id);

-- What the gateways sent.

CREATE TABLE reading (
    account_id BIGINT NOT NULL,
    gateway_id BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    device_id BIGINT NOT NULL,
    point TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    clock TEXT NOT NULL,
    count BIGINT,
    decimals BIGINT,
    unit TEXT,
    suspect TEXT,
    raw TEXT NOT NULL,
    profile TEXT NOT NULL,
    closes TEXT,
    boot BIGINT,
    elapsed_ms BIGINT,
    sealed_meter BIGINT,
    link BIGINT,
    previous TEXT,
    signature TEXT,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, gateway_id, epoch, seq)
);
CREATE INDEX reading_by_point ON reading (account_id, device_id, point, at_ms);
CREATE INDEX reading_closing ON reading (account_id, device_id, point, closes)
    WHERE closes IS NOT NULL;

-- The chain of a meter: each link is a sealed reading whose signature public_key made.
CREATE TABLE seal (
    account_id BIGINT NOT NULL,
    meter_id BIGINT NOT NULL,
    link BIGINT NOT NULL,
    digest TEXT NOT NULL,
    gateway_id BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    public_key TEXT NOT NULL,
    PRIMARY KEY (account_id, meter_id, link)
);

-- Readings whose seals do not prove what they say, and why.
CREATE TABLE seal_fault (
    account_id BIGINT NOT NULL,
    gateway_id BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    meter_id BIGINT NOT NULL,
    link BIGINT NOT NULL,
    fault TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, gateway_id, epoch, seq)
);
CREATE INDEX seal_fault_by_meter ON seal_fault (account_id, meter_id);

-- Numbers whose readings are lost: common::sync::Loss. devices are identities apart by
-- spaces; signed says whether the gateway's key signed it.
CREATE TABLE loss (
    account_id BIGINT NOT NULL,
    gateway_id BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    reason TEXT NOT NULL,
    gravest TEXT NOT NULL,
    from_ms BIGINT,
    until_ms BIGINT,
    devices TEXT NOT NULL,
    signature TEXT NOT NULL,
    signed BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, gateway_id, epoch, first_seq)
);

-- Everything of the epoch up to acknowledged_through is kept, rejected or lost. place says
-- in which order the epochs of a gateway were first heard of.
CREATE TABLE sync_cursor (
    account_id BIGINT NOT NULL,
    gateway_id BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    acknowledged_through BIGINT NOT NULL,
    place BIGINT NOT NULL,
    PRIMARY KEY (account_id, gateway_id, epoch)
);

-- Set apart: readings that were refused, and second ones with a number that was taken.
CREATE TABLE rejected_reading (
    account_id BIGINT NOT NULL,
    gateway_id BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    content_hash TEXT NOT NULL,
    content TEXT NOT NULL,
    reason TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, gateway_id, epoch, seq, content_hash)
);

-- What people asked of gateways. order_json and result are common::sync's Order and
-- CommandResult, as JSON.
CREATE TABLE gateway_command (
    account_id BIGINT NOT NULL,
    gateway_id BIGINT NOT NULL,
    command_id BIGINT NOT NULL,
    order_json TEXT NOT NULL,
    asked_by BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    answered_ms BIGINT,
    result TEXT,
    PRIMARY KEY (account_id, gateway_id, command_id)
);

-- The bills. kind: invoice, credit; revision n of a period's invoice is taken back by its credit
-- n. state: held (reason says why), issued (number and snapshot are set, and nothing changes any
-- more: triggers see to it).
-- evidence and proof are a proof::Evidence and a proof::Proof, as JSON.
CREATE TABLE invoice (
    account_id BIGINT NOT NULL,
    meter_id BIGINT NOT NULL,
    period_from TEXT NOT NULL,
    period_until TEXT NOT NULL,
    kind TEXT NOT NULL,
    revision BIGINT NOT NULL,
    invoice_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    number BIGINT,
    quantity TEXT,
    unit TEXT,
    currency TEXT,
    total TEXT,
    snapshot TEXT,
    evidence TEXT,
    proof TEXT,
    issued_ms BIGINT,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, meter_id, period_from, kind, revision)
);
CREATE UNIQUE INDEX invoice_by_id ON invoice (account_id, invoice_id);
CREATE UNIQUE INDEX invoice_by_number ON invoice (account_id, number);
CREATE INDEX invoice_held ON invoice (state) WHERE state = 'held';

-- Meters of which no invoice is issued before somebody says so.
CREATE TABLE billing_hold (
    account_id BIGINT NOT NULL,
    meter_id BIGINT NOT NULL,
    reason TEXT NOT NULL,
    held_by BIGINT NOT NULL,
    held_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, meter_id)
);

-- What people read off the displays of their meters, and the register they were asked about:
-- common::quantity::Quantity as JSON, read at read_ms. shown is empty where they said that it is
-- that. agrees says whether both could be.
CREATE TABLE display_check (
    account_id BIGINT NOT NULL,
    meter_id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    read_ms BIGINT NOT NULL,
    shown TEXT NOT NULL,
    manages BIGINT NOT NULL,
    device_id BIGINT NOT NULL,
    register TEXT NOT NULL,
    answered_ms BIGINT NOT NULL,
    agrees BIGINT NOT NULL,
    PRIMARY KEY (account_id, meter_id, person_id, read_ms, shown)
);
CREATE INDEX display_check_by_answer ON display_check (account_id, meter_id, answered_ms);

-- What is done at a site with the difference between the main meter of a medium and the
-- others. policy is a billing::reconciliation::Policy, as JSON; a limit of 0 is never reached.
CREATE TABLE site_reconciliation (
    account_id BIGINT NOT NULL,
    site_id BIGINT NOT NULL,
    medium TEXT NOT NULL,
    main_meter_id BIGINT,
    policy TEXT NOT NULL,
    warn_percent TEXT NOT NULL,
    block_percent TEXT NOT NULL,
    changed_by BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, site_id, medium)
);

-- Periods of which somebody let the bills go although the difference was beyond the limit.
CREATE TABLE residual_release (
    account_id BIGINT NOT NULL,
    site_id BIGINT NOT NULL,
    medium TEXT NOT NULL,
    period_from TEXT NOT NULL,
    period_until TEXT NOT NULL,
    reason TEXT NOT NULL,
    released_by BIGINT NOT NULL,
    released_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, site_id, medium, period_from, period_until)
);

-- What the utility charged a site. Those of a medium do not overlap.
CREATE TABLE utility_bill (
    account_id BIGINT NOT NULL,
    utility_bill_id BIGINT NOT NULL,
    site_id BIGINT NOT NULL,
    medium TEXT NOT NULL,
    bill_from TEXT NOT NULL,
    bill_until TEXT NOT NULL,
    quantity TEXT NOT NULL,
    unit TEXT NOT NULL,
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    note TEXT NOT NULL,
    entered_by BIGINT NOT NULL,
    entered_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, utility_bill_id)
);
CREATE INDEX utility_bill_by_site ON utility_bill (account_id, site_id, medium, bill_from);

-- What somebody adds to the bill of the period in which the day lies, or takes off it. It can
-- be changed until an invoice of that period is issued.
CREATE TABLE adjustment (
    account_id BIGINT NOT NULL,
    adjustment_id BIGINT NOT NULL,
    meter_id BIGINT NOT NULL,
    day TEXT NOT NULL,
    name TEXT NOT NULL,
    amount TEXT NOT NULL,
    taxed BIGINT NOT NULL,
    note TEXT NOT NULL,
    entered_by BIGINT NOT NULL,
    entered_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, adjustment_id)
);
CREATE INDEX adjustment_by_meter ON adjustment (account_id, meter_id, day);

-- A stretch in which a meter recorded nothing, from its last good reading on.
CREATE TABLE silence (
    account_id BIGINT NOT NULL,
    meter_id BIGINT NOT NULL,
    since_ms BIGINT NOT NULL,
    noticed_ms BIGINT NOT NULL,
    recovered_ms BIGINT,
    PRIMARY KEY (account_id, meter_id, since_ms)
);
CREATE INDEX silence_open ON silence (account_id, meter_id) WHERE recovered_ms IS NULL;

-- The outbox. kind: invoice, silent, recovered, invitation. subject says which one (the
-- period's first date, the instant of the last reading, the link's hash), so that the
-- same message is due once. content is what the message needs beside it, as JSON.
-- state: due, sent, failed. A sender holds lease_token until lease_until_ms.
CREATE TABLE notice (
    account_id BIGINT NOT NULL,
    notice_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    meter_id BIGINT NOT NULL,
    subject TEXT NOT NULL,
    person_id BIGINT NOT NULL,
    channel TEXT NOT NULL,
    content TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt_ms BIGINT NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    lease_token BIGINT NOT NULL,
    last_error TEXT,
    sent_ms BIGINT,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, notice_id)
);
CREATE UNIQUE INDEX notice_once ON notice (account_id, kind, meter_id, subject, person_id, channel);
CREATE INDEX notice_due ON notice (next_attempt_ms) WHERE state = 'due';
CREATE INDEX notice_by_meter ON notice (account_id, meter_id);
