-- What the bank's side learned after the first schema.
ALTER TABLE pledge_locks DROP COLUMN papers_sha256;
