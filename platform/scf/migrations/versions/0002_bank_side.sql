-- What the bank's side learned after the first schema.

-- A lock on chain follows the value: of which papers it is.
ALTER TABLE pledge_locks ADD COLUMN papers_sha256 BYTEA;

-- Which kinds of security a programme allows; null for all of them.
ALTER TABLE programmes ADD COLUMN securities TEXT[];
ALTER TABLE programmes ADD CONSTRAINT ck_programmes_securities_some CHECK (cardinality(securities) > 0);
