"""What the database itself refuses: changing a sent invoice, its lines, credit notes and payments."""

from django.db import migrations

APPEND_ONLY = ("creditnote", "payment")

FORWARD = """
CREATE FUNCTION billing_seal_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  allowed text[] := ARRAY['status', 'paid_at'];
BEGIN
  IF OLD.status = 'draft' THEN
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a sent invoice cannot be removed' USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.status = 'draft' OR to_jsonb(NEW) - allowed IS DISTINCT FROM to_jsonb(OLD) - allowed THEN
    RAISE EXCEPTION 'a sent invoice is sealed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION billing_seal_lines() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  parent record;
BEGIN
  -- Held until the line is committed: an invoice is not sent beside a line that is just being written.
  FOR parent IN SELECT status FROM billing_invoice WHERE id IN (
    CASE WHEN TG_OP <> 'INSERT' THEN OLD.invoice_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.invoice_id END)
    FOR SHARE
  LOOP
    IF parent.status <> 'draft' THEN
      RAISE EXCEPTION 'a sent invoice is sealed' USING ERRCODE = 'restrict_violation';
    END IF;
  END LOOP;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER invoice_sealed BEFORE UPDATE OR DELETE ON billing_invoice
  FOR EACH ROW EXECUTE FUNCTION billing_seal_invoice();
CREATE TRIGGER invoice_no_truncate BEFORE TRUNCATE ON billing_invoice
  FOR EACH STATEMENT EXECUTE FUNCTION platform_append_only();
CREATE TRIGGER invoice_lines_sealed BEFORE INSERT OR UPDATE OR DELETE ON billing_invoiceline
  FOR EACH ROW EXECUTE FUNCTION billing_seal_lines();
CREATE TRIGGER invoice_lines_no_truncate BEFORE TRUNCATE ON billing_invoiceline
  FOR EACH STATEMENT EXECUTE FUNCTION platform_append_only();
"""
FORWARD += "".join(
    f"""
CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE ON billing_{name}
  FOR EACH ROW EXECUTE FUNCTION platform_append_only();
CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON billing_{name}
  FOR EACH STATEMENT EXECUTE FUNCTION platform_append_only();
"""
    for name in APPEND_ONLY
)
BACKWARD = (
    "".join(
        f"DROP TRIGGER {name}_no_truncate ON billing_{name}; DROP TRIGGER {name}_append_only ON billing_{name};"
        for name in APPEND_ONLY
    )
    + """
DROP TRIGGER invoice_lines_no_truncate ON billing_invoiceline;
DROP TRIGGER invoice_lines_sealed ON billing_invoiceline;
DROP TRIGGER invoice_no_truncate ON billing_invoice;
DROP TRIGGER invoice_sealed ON billing_invoice;
DROP FUNCTION billing_seal_lines();
DROP FUNCTION billing_seal_invoice();
"""
)


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_invoices"), ("platform", "0002_guards")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
