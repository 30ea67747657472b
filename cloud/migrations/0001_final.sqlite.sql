-- An issued document never changes, whoever asks.
CREATE TRIGGER invoice_is_not_changed BEFORE UPDATE ON invoice WHEN OLD.state = 'issued'
BEGIN
    SELECT RAISE(ABORT, 'an issued invoice is never changed');
END;
CREATE TRIGGER invoice_is_not_deleted BEFORE DELETE ON invoice WHEN OLD.state = 'issued'
BEGIN
    SELECT RAISE(ABORT, 'an issued invoice is never deleted');
END;
