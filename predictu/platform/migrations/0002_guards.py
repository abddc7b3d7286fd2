"""What the database itself refuses: changing audit rows and configuration revisions."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION platform_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% rows cannot be changed or removed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON platform_auditentry
  FOR EACH ROW EXECUTE FUNCTION platform_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON platform_auditentry
  FOR EACH STATEMENT EXECUTE FUNCTION platform_append_only();
CREATE TRIGGER config_append_only BEFORE UPDATE OR DELETE ON platform_configrevision
  FOR EACH ROW EXECUTE FUNCTION platform_append_only();
CREATE TRIGGER config_no_truncate BEFORE TRUNCATE ON platform_configrevision
  FOR EACH STATEMENT EXECUTE FUNCTION platform_append_only();
"""
BACKWARD = """
DROP TRIGGER config_no_truncate ON platform_configrevision;
DROP TRIGGER config_append_only ON platform_configrevision;
DROP TRIGGER audit_no_truncate ON platform_auditentry;
DROP TRIGGER audit_append_only ON platform_auditentry;
DROP FUNCTION platform_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("platform", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
