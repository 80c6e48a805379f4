-- What the bank's side learned after the first schema.
ALTER TABLE programmes DROP COLUMN securities;
ALTER TABLE pledge_locks DROP COLUMN papers_sha256;
