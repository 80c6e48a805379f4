-- What the bank's side learned after the first schema.

-- A lock on chain follows the value: of which papers it is.
ALTER TABLE pledge_locks ADD COLUMN papers_sha256 BYTEA;

-- Which kinds of security a programme allows; null for all of them.
ALTER TABLE programmes ADD COLUMN securities TEXT[];
ALTER TABLE programmes ADD CONSTRAINT ck_programmes_securities_some CHECK (cardinality(securities) > 0);

-- A payment order pays the parts of a split payment, each its payee; a line was the whole claim, the creditor's.

ALTER TABLE payment_order_lines ADD COLUMN payee_id UUID;
ALTER TABLE payment_order_lines DISABLE TRIGGER payment_order_lines_append_only;
UPDATE payment_order_lines l SET payee_id = r.creditor_id FROM receivables r WHERE r.id = l.receivable_id;
ALTER TABLE payment_order_lines ENABLE TRIGGER payment_order_lines_append_only;
ALTER TABLE payment_order_lines
  ALTER COLUMN payee_id SET NOT NULL,
  DROP CONSTRAINT pk_payment_order_lines,
  ADD CONSTRAINT pk_payment_order_lines PRIMARY KEY (order_id, position),
  ADD CONSTRAINT uq_payment_order_lines_order_id_receivable_id_payee_id UNIQUE (order_id, receivable_id, payee_id),
  ADD CONSTRAINT fk_payment_order_lines_payee_id_parties FOREIGN KEY(payee_id) REFERENCES parties (id);

-- Who looked at whose affairs is one table; a 数电票's number refuses no second seller, who would learn of the first.

ALTER TABLE look_ups
  ADD COLUMN look_id UUID,
  ADD COLUMN person_id UUID,
  ADD COLUMN token BYTEA,
  ADD COLUMN asked_at TIMESTAMP WITH TIME ZONE,
  ADD COLUMN taken_sha256 BYTEA,
  ADD COLUMN taken_size BIGINT,
  ALTER COLUMN party_id DROP NOT NULL;

CREATE FUNCTION pg_temp.public_id(prefix text, identity uuid) RETURNS text LANGUAGE sql AS $$
  SELECT prefix || '_' || string_agg(
    substr('0123456789abcdefghjkmnpqrstvwxyz', substring(bits FROM at FOR 5)::bit(5)::int + 1, 1), '' ORDER BY at)
  FROM (SELECT B'00' || ('x' || replace(identity::text, '-', ''))::bit(128) AS bits) AS whole,
    generate_series(1, 126, 5) AS at
$$;

ALTER TABLE look_ups DISABLE TRIGGER look_ups_append_only;

-- Each question about a known paper left one look-up with its seller: the first the first, and so on.
UPDATE look_ups l SET look_id = p.id, token = p.token, asked_at = p.asked_at
FROM (
  SELECT p.*, pg_temp.public_id('doc', t.document_id) AS subject,
    row_number() OVER (PARTITION BY p.token, p.client_id ORDER BY p.id) AS place
  FROM blind_probes p JOIN blind_tokens t ON t.token = p.token WHERE t.document_id IS NOT NULL
) AS p, (
  SELECT id, row_number() OVER (PARTITION BY subject, client_id ORDER BY id) AS place
  FROM look_ups WHERE kind = 'blind_registry'
) AS k
WHERE l.id = k.id AND l.subject = p.subject AND l.client_id = p.client_id AND k.place = p.place;

INSERT INTO look_ups
  (id, look_id, by_id, client_id, named, kind, subject, purpose, basis, made_at, token, asked_at)
SELECT p.id, p.id, p.party_id, p.client_id, false, 'blind_registry', encode(p.token, 'hex'),
  'double_financing', 'paper', p.asked_at, p.token, p.asked_at
FROM blind_probes p WHERE NOT EXISTS (SELECT FROM look_ups l WHERE l.look_id = p.id);

-- A dossier taken left one look-up with each side, in the same transaction.
UPDATE look_ups l SET look_id = d.id, taken_sha256 = d.sha256, taken_size = d.size
FROM (
  SELECT d.*, pg_temp.public_id('fin', d.financing_id) AS subject,
    row_number() OVER (PARTITION BY d.financing_id, d.client_id ORDER BY d.id) AS place
  FROM dossier_downloads d
) AS d, (
  SELECT id, row_number() OVER (PARTITION BY subject, client_id, party_id ORDER BY id) AS place
  FROM look_ups WHERE kind = 'dossier'
) AS k
WHERE l.id = k.id AND l.subject = d.subject AND l.client_id = d.client_id AND k.place = d.place;

UPDATE look_ups SET look_id = id WHERE look_id IS NULL;
ALTER TABLE look_ups ENABLE TRIGGER look_ups_append_only;
DROP FUNCTION pg_temp.public_id;

ALTER TABLE look_ups
  ALTER COLUMN look_id SET NOT NULL,
  ADD CONSTRAINT ck_look_ups_party_or_paper CHECK (party_id IS NOT NULL OR token IS NOT NULL),
  ADD CONSTRAINT ck_look_ups_asked_at_of_token CHECK ((token IS NULL) = (asked_at IS NULL)),
  ADD CONSTRAINT ck_look_ups_taken_whole CHECK ((taken_sha256 IS NULL) = (taken_size IS NULL)),
  ADD CONSTRAINT ck_look_ups_taken_not_empty CHECK (taken_size > 0),
  ADD CONSTRAINT fk_look_ups_person_id_persons FOREIGN KEY(person_id) REFERENCES persons (id);

CREATE INDEX ix_look_ups_subject_id ON look_ups (subject, id);
CREATE INDEX ix_look_ups_token_by_id ON look_ups (token, by_id, asked_at) WHERE token IS NOT NULL;

DROP TABLE blind_probes;
DROP TABLE dossier_downloads;

DROP INDEX uq_documents_cn_number;
CREATE INDEX ix_documents_number ON documents (number);

-- What a register signed over an entry of its own travels with the event that tells of the entry.
CREATE TABLE event_receipts (
  event_id UUID NOT NULL,
  receipt JSONB NOT NULL,
  CONSTRAINT pk_event_receipts PRIMARY KEY (event_id),
  CONSTRAINT fk_event_receipts_event_id_events FOREIGN KEY(event_id) REFERENCES events (id)
);
CREATE TRIGGER event_receipts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_receipts FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

-- The files that a bank's records name by hash, as they came.
CREATE TABLE approval_papers (
  id UUID NOT NULL,
  case_id UUID NOT NULL,
  sha256 BYTEA NOT NULL,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  original BYTEA NOT NULL,
  person_id UUID NOT NULL,
  mandate_id UUID NOT NULL,
  client_id UUID NOT NULL,
  kept_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_approval_papers PRIMARY KEY (id),
  CONSTRAINT uq_approval_papers_case_id_sha256 UNIQUE (case_id, sha256),
  CONSTRAINT ck_approval_papers_sha256_of_original CHECK (sha256 = sha256(original)),
  CONSTRAINT ck_approval_papers_size CHECK (octet_length(original) BETWEEN 1 AND 4194304),
  CONSTRAINT fk_approval_papers_case_id_approval_cases FOREIGN KEY(case_id) REFERENCES approval_cases (id),
  CONSTRAINT fk_approval_papers_person_id_persons FOREIGN KEY(person_id) REFERENCES persons (id),
  CONSTRAINT fk_approval_papers_mandate_id_mandates FOREIGN KEY(mandate_id) REFERENCES mandates (id),
  CONSTRAINT fk_approval_papers_client_id_oauth_clients FOREIGN KEY(client_id) REFERENCES oauth_clients (id)
);
CREATE TRIGGER approval_papers_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval_papers FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
