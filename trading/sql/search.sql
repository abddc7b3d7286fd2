-- Indexes for searching users and markets. Words of a market are found by an index every PostgreSQL has; substrings by
-- trigrams where pg_trgm is installed and may be created, else by looking at every row, with the same result.
CREATE INDEX IF NOT EXISTS market_words ON trading_market
  USING gin (to_tsvector('english', title || ' ' || description));

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
    RETURN;
  END IF;
  BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
  EXCEPTION WHEN insufficient_privilege THEN
    RETURN;
  END;
  CREATE INDEX IF NOT EXISTS player_substrings ON accounts_player USING gin (
    upper(username::text) gin_trgm_ops, upper(email::text) gin_trgm_ops, upper(external_id::text) gin_trgm_ops);
  CREATE INDEX IF NOT EXISTS market_substrings ON trading_market USING gin (
    upper(title) gin_trgm_ops, upper(description) gin_trgm_ops);
END $$;
