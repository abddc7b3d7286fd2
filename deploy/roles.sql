-- The role the platform runs as. It owns nothing: it reads and writes rows, and can neither change a table nor take the
-- guards off the ledger. Run as the owner of the tables, in the platform's database, after the first migration.
CREATE ROLE predictu_app LOGIN;
GRANT USAGE ON SCHEMA public TO predictu_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO predictu_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO predictu_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO predictu_app;
-- What later migrations make.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO predictu_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO predictu_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO predictu_app;
