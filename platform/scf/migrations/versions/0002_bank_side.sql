-- What the bank's side learned after the first schema.

-- A lock on chain follows the value: of which papers it is.
ALTER TABLE pledge_locks ADD COLUMN papers_sha256 BYTEA;
