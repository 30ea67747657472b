-- An issued document never changes, whoever asks.
CREATE FUNCTION refuse_to_change_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an issued invoice is never changed or deleted';
END $$;
CREATE TRIGGER invoice_is_final BEFORE UPDATE OR DELETE ON invoice
    FOR EACH ROW WHEN (OLD.state = 'issued') EXECUTE FUNCTION refuse_to_change_invoice();
CREATE TRIGGER invoice_is_not_truncated BEFORE TRUNCATE ON invoice
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_invoice();
