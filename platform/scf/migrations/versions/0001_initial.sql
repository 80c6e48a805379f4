-- The first schema, as the mapped classes had it. Frozen: later changes are migrations of their own.

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION only_revoke() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.revoked_at IS NOT NULL
    OR to_jsonb(NEW) - ARRAY['revoked_at', 'revocation_reason']
      <> to_jsonb(OLD) - ARRAY['revoked_at', 'revocation_reason']
  THEN
    RAISE EXCEPTION '% is revoked once and never edited', TG_TABLE_NAME
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TABLE parties (
  id UUID NOT NULL,
  uscc TEXT NOT NULL,
  name TEXT NOT NULL,
  named_on DATE,
  kind VARCHAR(10) NOT NULL,
  size_class VARCHAR(11),
  registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  revocation_reason TEXT,
  CONSTRAINT pk_parties PRIMARY KEY (id),
  CONSTRAINT uq_parties_uscc UNIQUE (uscc),
  CONSTRAINT ck_parties_partykind CHECK (kind IN ('enterprise', 'bank', 'regulator')),
  CONSTRAINT ck_parties_sizeclass CHECK (size_class IN ('large', 'medium', 'small', 'micro', 'public_body'))
);

CREATE TABLE certificate_authorities (
  id UUID NOT NULL,
  scope VARCHAR(10) NOT NULL,
  pem TEXT NOT NULL,
  thumbprint TEXT NOT NULL,
  registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  revocation_reason TEXT,
  CONSTRAINT pk_certificate_authorities PRIMARY KEY (id),
  CONSTRAINT ck_certificate_authorities_scope CHECK (scope IN ('enterprise', 'bank', 'registry')),
  CONSTRAINT uq_certificate_authorities_thumbprint UNIQUE (thumbprint)
);

CREATE TRIGGER certificate_authorities_only_revoke BEFORE UPDATE OR DELETE ON certificate_authorities FOR EACH ROW EXECUTE FUNCTION only_revoke();

CREATE TABLE oauth_clients (
  id UUID NOT NULL,
  party_id UUID,
  operator BOOLEAN NOT NULL,
  name TEXT NOT NULL,
  secret_sha256 BYTEA NOT NULL,
  former_sha256 BYTEA,
  former_ends_at TIMESTAMP WITH TIME ZONE,
  scope TEXT,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_oauth_clients PRIMARY KEY (id)
);

CREATE INDEX ix_oauth_clients_party_id ON oauth_clients (party_id);

CREATE TABLE events (
  seq BIGINT GENERATED ALWAYS AS IDENTITY,
  id UUID NOT NULL,
  type TEXT NOT NULL,
  subject_id UUID NOT NULL,
  version BIGINT NOT NULL,
  occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
  body BYTEA NOT NULL,
  body_hash BYTEA NOT NULL,
  tag BYTEA NOT NULL,
  disclosures TEXT NOT NULL,
  authorizations BYTEA[] NOT NULL,
  parties UUID[] NOT NULL,
  CONSTRAINT pk_events PRIMARY KEY (id),
  CONSTRAINT uq_events_subject_id_version UNIQUE (subject_id, version),
  CONSTRAINT uq_events_seq UNIQUE (seq),
  CONSTRAINT uq_events_body_hash UNIQUE (body_hash)
);

CREATE FUNCTION queue_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO event_queue (seq, event_id, entry, type, parties)
    SELECT seq, id, body_hash || tag, type, parties FROM added;
  RETURN NULL;
END $$;

CREATE TRIGGER events_queue AFTER INSERT ON events
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION queue_event();

CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE event_queue (
  seq BIGINT NOT NULL,
  event_id UUID NOT NULL,
  entry BYTEA NOT NULL,
  type TEXT NOT NULL,
  parties UUID[] NOT NULL,
  CONSTRAINT pk_event_queue PRIMARY KEY (seq)
);

CREATE TABLE log_entries (
  index BIGINT NOT NULL,
  event_id UUID NOT NULL,
  entry BYTEA NOT NULL,
  CONSTRAINT pk_log_entries PRIMARY KEY (index),
  CONSTRAINT ck_log_entries_entry_length CHECK (octet_length(entry) = 64),
  CONSTRAINT uq_log_entries_event_id UNIQUE (event_id)
);

CREATE TRIGGER log_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE party_events (
  party_id UUID NOT NULL,
  index BIGINT NOT NULL,
  event_id UUID NOT NULL,
  type TEXT NOT NULL,
  CONSTRAINT pk_party_events PRIMARY KEY (party_id, index)
);

CREATE TRIGGER party_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON party_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE log_tiles (
  level BIGINT NOT NULL,
  index BIGINT NOT NULL,
  hashes BYTEA NOT NULL,
  CONSTRAINT pk_log_tiles PRIMARY KEY (level, index)
);

CREATE TABLE log_head (
  origin TEXT NOT NULL,
  vkey TEXT NOT NULL,
  size BIGINT NOT NULL,
  root BYTEA NOT NULL,
  CONSTRAINT pk_log_head PRIMARY KEY (origin)
);

CREATE TABLE checkpoints (
  size BIGINT NOT NULL,
  root BYTEA NOT NULL,
  note TEXT NOT NULL,
  published_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_checkpoints PRIMARY KEY (size)
);

CREATE TRIGGER checkpoints_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE chain_transactions (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  purpose TEXT NOT NULL,
  subject_id UUID,
  arguments JSONB NOT NULL,
  state VARCHAR(9) NOT NULL,
  sender TEXT,
  nonce BIGINT,
  raw BYTEA,
  tx_hash BYTEA,
  block_number BIGINT,
  block_hash BYTEA,
  gas_used BIGINT,
  error JSONB,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_chain_transactions PRIMARY KEY (id),
  CONSTRAINT uq_chain_transactions_sender_nonce UNIQUE (sender, nonce),
  CONSTRAINT ck_chain_transactions_transactionstate CHECK (state IN ('prepared', 'signed', 'broadcast', 'mined', 'final', 'failed')),
  CONSTRAINT uq_chain_transactions_tx_hash UNIQUE (tx_hash)
);

CREATE INDEX ix_chain_transactions_open ON chain_transactions (id) WHERE state NOT IN ('final','failed');

CREATE INDEX ix_chain_transactions_sender_block_number ON chain_transactions (sender, block_number);

CREATE INDEX ix_chain_transactions_subject_id ON chain_transactions (subject_id);

CREATE TABLE chain_home (
  chain_id BIGINT NOT NULL,
  anchor_address TEXT NOT NULL,
  registry_address TEXT NOT NULL,
  origin_key BYTEA NOT NULL,
  sender TEXT NOT NULL,
  CONSTRAINT pk_chain_home PRIMARY KEY (chain_id)
);

CREATE TABLE statements (
  id UUID NOT NULL,
  draft_id UUID NOT NULL,
  act TEXT NOT NULL,
  step TEXT,
  party_id UUID NOT NULL,
  person_id UUID NOT NULL,
  mandate_id UUID NOT NULL,
  subject_id UUID,
  subject_version BIGINT,
  payload BYTEA NOT NULL,
  reserved JSONB NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  jws TEXT,
  authorization_hash BYTEA,
  certificate_id UUID,
  CONSTRAINT pk_statements PRIMARY KEY (id),
  CONSTRAINT ck_statements_subject_with_version CHECK ((subject_id IS NULL) = (subject_version IS NULL)),
  CONSTRAINT uq_statements_authorization_hash UNIQUE (authorization_hash)
);

CREATE INDEX ix_statements_draft_id ON statements (draft_id);

CREATE INDEX ix_statements_subject_id ON statements (subject_id);

CREATE TABLE statement_lines (
  draft_id UUID NOT NULL,
  subject_id UUID NOT NULL,
  subject_version BIGINT NOT NULL,
  disclosure TEXT NOT NULL,
  reserved JSONB NOT NULL,
  CONSTRAINT pk_statement_lines PRIMARY KEY (draft_id, subject_id)
);

CREATE TRIGGER statement_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE rule_evaluations (
  id UUID NOT NULL,
  transition TEXT NOT NULL,
  subject TEXT NOT NULL,
  "on" DATE NOT NULL,
  inputs BYTEA NOT NULL,
  inputs_sha256 BYTEA NOT NULL,
  results JSONB NOT NULL,
  worst VARCHAR(14) NOT NULL,
  parties UUID[] NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_rule_evaluations PRIMARY KEY (id),
  CONSTRAINT ck_rule_evaluations_inputs_sha256_length CHECK (octet_length(inputs_sha256) = 32),
  CONSTRAINT ck_rule_evaluations_outcome CHECK (worst IN ('pass', 'warn', 'block', 'report', 'not_applicable'))
);

CREATE INDEX ix_rule_evaluations_parties ON rule_evaluations USING gin (parties);

CREATE INDEX ix_rule_evaluations_subject_id ON rule_evaluations (subject, id);

CREATE INDEX ix_rule_evaluations_transition_id ON rule_evaluations (transition, id);

CREATE TRIGGER rule_evaluations_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rule_evaluations FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE idempotency_keys (
  client_id UUID NOT NULL,
  key TEXT NOT NULL,
  fingerprint BYTEA NOT NULL,
  status BIGINT NOT NULL,
  headers JSONB NOT NULL,
  body BYTEA NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_idempotency_keys PRIMARY KEY (client_id, key)
);

CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);

CREATE TABLE outbox (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  kind TEXT NOT NULL,
  payload JSONB NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  next_attempt_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  attempts BIGINT DEFAULT '0' NOT NULL,
  done_at TIMESTAMP WITH TIME ZONE,
  error TEXT,
  CONSTRAINT pk_outbox PRIMARY KEY (id)
);

CREATE INDEX ix_outbox_waiting ON outbox (next_attempt_at) WHERE done_at IS NULL;

CREATE TABLE asset_tokens (
  token BYTEA NOT NULL,
  holders BIGINT NOT NULL,
  expiry BIGINT,
  CONSTRAINT pk_asset_tokens PRIMARY KEY (token),
  CONSTRAINT ck_asset_tokens_holders_not_negative CHECK (holders >= 0)
);

CREATE TABLE trade_originals (
  sha256 BYTEA NOT NULL,
  original BYTEA NOT NULL,
  CONSTRAINT pk_trade_originals PRIMARY KEY (sha256)
);

CREATE TRIGGER trade_originals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON trade_originals FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE webhook_attempts (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  delivery_id UUID NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  duration_ms BIGINT NOT NULL,
  status BIGINT,
  problem TEXT,
  excerpt TEXT,
  CONSTRAINT pk_webhook_attempts PRIMARY KEY (id)
);

CREATE INDEX ix_webhook_attempts_at ON webhook_attempts (at);

CREATE INDEX ix_webhook_attempts_delivery_id_id ON webhook_attempts (delivery_id, id);

CREATE TABLE feed_cursors (
  name TEXT NOT NULL,
  index BIGINT NOT NULL,
  CONSTRAINT pk_feed_cursors PRIMARY KEY (name)
);

CREATE TABLE bank_feeds (
  name TEXT NOT NULL,
  fetched BIGINT NOT NULL,
  CONSTRAINT pk_bank_feeds PRIMARY KEY (name)
);

CREATE TABLE persons (
  id UUID NOT NULL,
  party_id UUID NOT NULL,
  legal_representative BOOLEAN DEFAULT 'false' NOT NULL,
  registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  revocation_reason TEXT,
  CONSTRAINT pk_persons PRIMARY KEY (id),
  CONSTRAINT fk_persons_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id)
);

CREATE INDEX ix_persons_party_id ON persons (party_id);

CREATE UNIQUE INDEX uq_persons_legal_representative ON persons (party_id) WHERE legal_representative AND revoked_at IS NULL;

CREATE TABLE revocation_lists (
  id UUID NOT NULL,
  authority_id UUID NOT NULL,
  issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
  der BYTEA NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_revocation_lists PRIMARY KEY (id),
  CONSTRAINT uq_revocation_lists_authority_id_issued_at UNIQUE (authority_id, issued_at),
  CONSTRAINT fk_revocation_lists_authority_id_certificate_authorities FOREIGN KEY(authority_id) REFERENCES certificate_authorities (id)
);

CREATE TRIGGER revocation_lists_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON revocation_lists FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE consents (
  id UUID NOT NULL,
  by_id UUID NOT NULL,
  to_id UUID NOT NULL,
  purpose VARCHAR(16) NOT NULL,
  until TIMESTAMP WITH TIME ZONE NOT NULL,
  granted_at TIMESTAMP WITH TIME ZONE NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  revocation_reason TEXT,
  CONSTRAINT pk_consents PRIMARY KEY (id),
  CONSTRAINT ck_consents_ends_after_it_begins CHECK (until > granted_at),
  CONSTRAINT fk_consents_by_id_parties FOREIGN KEY(by_id) REFERENCES parties (id),
  CONSTRAINT fk_consents_to_id_parties FOREIGN KEY(to_id) REFERENCES parties (id),
  CONSTRAINT ck_consents_purpose CHECK (purpose IN ('supervision', 'credit_review', 'security', 'loan_file', 'double_financing'))
);

CREATE INDEX ix_consents_by_id_id ON consents (by_id, id);

CREATE INDEX ix_consents_to_id_by_id ON consents (to_id, by_id);

CREATE TRIGGER consents_only_revoke BEFORE UPDATE OR DELETE ON consents FOR EACH ROW EXECUTE FUNCTION only_revoke();

CREATE TABLE access_tokens (
  sha256 BYTEA NOT NULL,
  client_id UUID NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_access_tokens PRIMARY KEY (sha256),
  CONSTRAINT fk_access_tokens_client_id_oauth_clients FOREIGN KEY(client_id) REFERENCES oauth_clients (id)
);

CREATE INDEX ix_access_tokens_expires_at ON access_tokens (expires_at);

CREATE TABLE anchors (
  size BIGINT NOT NULL,
  root BYTEA NOT NULL,
  transaction_id BIGINT NOT NULL,
  CONSTRAINT pk_anchors PRIMARY KEY (size),
  CONSTRAINT fk_anchors_size_checkpoints FOREIGN KEY(size) REFERENCES checkpoints (size),
  CONSTRAINT uq_anchors_transaction_id UNIQUE (transaction_id),
  CONSTRAINT fk_anchors_transaction_id_chain_transactions FOREIGN KEY(transaction_id) REFERENCES chain_transactions (id)
);

CREATE TABLE pools (
  asset TEXT NOT NULL,
  asset_id UUID NOT NULL,
  owner_id UUID,
  parties UUID[] NOT NULL,
  currency TEXT NOT NULL,
  confirmed_minor BIGINT NOT NULL,
  used_minor BIGINT NOT NULL,
  free_minor BIGINT GENERATED ALWAYS AS (greatest(confirmed_minor - used_minor, 0)) STORED NOT NULL,
  shortfall_minor BIGINT GENERATED ALWAYS AS (greatest(used_minor - confirmed_minor, 0)) STORED NOT NULL,
  state VARCHAR(7) GENERATED ALWAYS AS (CASE WHEN used_minor > confirmed_minor THEN 'DILUTED' ELSE 'OPEN' END) STORED NOT NULL,
  opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  CONSTRAINT pk_pools PRIMARY KEY (id),
  CONSTRAINT fk_pools_owner_id_parties FOREIGN KEY(owner_id) REFERENCES parties (id),
  CONSTRAINT ck_pools_poolstate CHECK (state IN ('OPEN', 'DILUTED'))
);

CREATE INDEX ix_pools_asset_id ON pools (asset_id);

CREATE INDEX ix_pools_owner_id ON pools (owner_id);

CREATE FUNCTION guard_pool() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.confirmed_minor = 0 AND NEW.used_minor = 0 THEN RETURN NEW; END IF;
  ELSIF pg_trigger_depth() > 1 THEN
    RETURN NEW; -- the entry's own trigger
  END IF;
  RAISE EXCEPTION 'a pool''s amounts change only through pool_entries'
    USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER pools_guard
  BEFORE INSERT OR UPDATE OF id, currency, confirmed_minor, used_minor ON pools
  FOR EACH ROW EXECUTE FUNCTION guard_pool();

CREATE TRIGGER pools_kept BEFORE DELETE OR TRUNCATE ON pools
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE notices (
  id UUID NOT NULL,
  party_id UUID NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  event_id UUID NOT NULL,
  fields JSONB NOT NULL,
  told_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_notices PRIMARY KEY (id),
  CONSTRAINT fk_notices_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id),
  CONSTRAINT fk_notices_event_id_events FOREIGN KEY(event_id) REFERENCES events (id)
);

CREATE INDEX ix_notices_party_id_id ON notices (party_id, id);

CREATE TABLE documents (
  kind VARCHAR(15) NOT NULL,
  number TEXT NOT NULL,
  seller_id UUID NOT NULL,
  seller_uscc TEXT NOT NULL,
  seller_name TEXT NOT NULL,
  buyer TEXT NOT NULL,
  buyer_name TEXT NOT NULL,
  issued_on DATE NOT NULL,
  currency TEXT NOT NULL,
  net_minor BIGINT NOT NULL,
  tax_minor BIGINT NOT NULL,
  total_minor BIGINT NOT NULL,
  payable_minor BIGINT NOT NULL,
  takes_back BOOLEAN NOT NULL,
  reverses TEXT[] NOT NULL,
  confirmation_no TEXT,
  flags TEXT[] NOT NULL,
  payee TEXT,
  contract_no TEXT,
  order_no TEXT,
  delivered_on DATE,
  due_on DATE,
  original_sha256 BYTEA NOT NULL,
  registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  CONSTRAINT pk_documents PRIMARY KEY (id),
  CONSTRAINT uq_documents_seller_uscc_number UNIQUE (seller_uscc, number),
  CONSTRAINT ck_documents_original_sha256_length CHECK (octet_length(original_sha256) = 32),
  CONSTRAINT ck_documents_kind CHECK (kind IN ('cn-einvoice', 'cn-vat', 'ubl-invoice', 'ubl-credit-note', 'cii', 'listed')),
  CONSTRAINT fk_documents_seller_id_parties FOREIGN KEY(seller_id) REFERENCES parties (id)
);

CREATE INDEX ix_documents_buyer ON documents (buyer);

CREATE INDEX ix_documents_notes ON documents (seller_id) WHERE takes_back;

CREATE INDEX ix_documents_seller_id ON documents (seller_id);

CREATE UNIQUE INDEX uq_documents_cn_number ON documents (number) WHERE kind = 'cn-einvoice';

CREATE TABLE blind_probes (
  id UUID NOT NULL,
  token BYTEA NOT NULL,
  client_id UUID NOT NULL,
  party_id UUID NOT NULL,
  caller TEXT NOT NULL,
  asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_blind_probes PRIMARY KEY (id),
  CONSTRAINT fk_blind_probes_client_id_oauth_clients FOREIGN KEY(client_id) REFERENCES oauth_clients (id),
  CONSTRAINT fk_blind_probes_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id)
);

CREATE INDEX ix_blind_probes_token_party_id ON blind_probes (token, party_id, asked_at);

CREATE TRIGGER blind_probes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON blind_probes FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE trade_documents (
  id UUID NOT NULL,
  kind VARCHAR(8) NOT NULL,
  number TEXT NOT NULL,
  issuer_id UUID NOT NULL,
  buyer TEXT NOT NULL,
  seller TEXT NOT NULL,
  issued_on DATE NOT NULL,
  original_sha256 BYTEA NOT NULL,
  registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_trade_documents PRIMARY KEY (id),
  CONSTRAINT uq_trade_documents_issuer_id_kind_number UNIQUE (issuer_id, kind, number),
  CONSTRAINT ck_trade_documents_tradekind CHECK (kind IN ('order', 'despatch', 'receipt')),
  CONSTRAINT fk_trade_documents_issuer_id_parties FOREIGN KEY(issuer_id) REFERENCES parties (id),
  CONSTRAINT fk_trade_documents_original_sha256_trade_originals FOREIGN KEY(original_sha256) REFERENCES trade_originals (sha256)
);

CREATE INDEX ix_trade_documents_buyer ON trade_documents (buyer, id);

CREATE INDEX ix_trade_documents_seller ON trade_documents (seller, id);

CREATE TRIGGER trade_documents_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON trade_documents FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE programmes (
  id UUID NOT NULL,
  name TEXT NOT NULL,
  anchor_id UUID NOT NULL,
  opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  revocation_reason TEXT,
  CONSTRAINT pk_programmes PRIMARY KEY (id),
  CONSTRAINT fk_programmes_anchor_id_parties FOREIGN KEY(anchor_id) REFERENCES parties (id)
);

CREATE INDEX ix_programmes_anchor_id ON programmes (anchor_id);

CREATE TABLE debtor_blocks (
  id UUID NOT NULL,
  party_id UUID NOT NULL,
  source TEXT NOT NULL,
  reason TEXT NOT NULL,
  listed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  revocation_reason TEXT,
  CONSTRAINT pk_debtor_blocks PRIMARY KEY (id),
  CONSTRAINT fk_debtor_blocks_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id)
);

CREATE UNIQUE INDEX uq_debtor_blocks_listed ON debtor_blocks (party_id) WHERE revoked_at IS NULL;

CREATE TRIGGER debtor_blocks_only_revoke BEFORE UPDATE OR DELETE ON debtor_blocks FOR EACH ROW EXECUTE FUNCTION only_revoke();

CREATE TABLE daily_files (
  party_id UUID NOT NULL,
  day DATE NOT NULL,
  first_index BIGINT NOT NULL,
  last_index BIGINT NOT NULL,
  content BYTEA NOT NULL,
  signature TEXT NOT NULL,
  made_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_daily_files PRIMARY KEY (party_id, day),
  CONSTRAINT ck_daily_files_range CHECK (last_index >= first_index - 1),
  CONSTRAINT fk_daily_files_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id)
);

CREATE TRIGGER daily_files_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON daily_files FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE webhooks (
  id UUID NOT NULL,
  party_id UUID NOT NULL,
  url TEXT NOT NULL,
  types TEXT[] NOT NULL,
  state VARCHAR(8) NOT NULL,
  state_since TIMESTAMP WITH TIME ZONE NOT NULL,
  reason TEXT,
  stopped_at_index BIGINT,
  failing_since TIMESTAMP WITH TIME ZONE,
  key_number BIGINT NOT NULL,
  previous_key_until TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_webhooks PRIMARY KEY (id),
  CONSTRAINT ck_webhooks_disabled_for_a_reason CHECK ((state = 'disabled') = (reason IS NOT NULL) AND (state = 'disabled') = (stopped_at_index IS NOT NULL)),
  CONSTRAINT fk_webhooks_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id),
  CONSTRAINT ck_webhooks_state CHECK (state IN ('active', 'paused', 'disabled', 'deleted'))
);

CREATE INDEX ix_webhooks_party_id_id ON webhooks (party_id, id);

CREATE FUNCTION guard_webhooks_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('active', 'deleted'), ('active', 'disabled'), ('active', 'paused'), ('paused', 'active'), ('paused', 'deleted'), ('disabled', 'active'), ('disabled', 'deleted')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'webhooks: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER webhooks_guard_state BEFORE UPDATE OF state ON webhooks FOR EACH ROW EXECUTE FUNCTION guard_webhooks_state();

CREATE TABLE jobs (
  id UUID NOT NULL,
  kind TEXT NOT NULL,
  party_id UUID NOT NULL,
  client_id UUID NOT NULL,
  state VARCHAR(9) DEFAULT 'QUEUED' NOT NULL,
  arguments JSONB NOT NULL,
  columns TEXT[] NOT NULL,
  filename TEXT,
  input_sha256 BYTEA NOT NULL,
  total BIGINT NOT NULL,
  cursor BIGINT DEFAULT '0' NOT NULL,
  done BIGINT DEFAULT '0' NOT NULL,
  waiting BIGINT DEFAULT '0' NOT NULL,
  failed BIGINT DEFAULT '0' NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE,
  running_since TIMESTAMP WITH TIME ZONE,
  running_from BIGINT DEFAULT '0' NOT NULL,
  advanced_at TIMESTAMP WITH TIME ZONE NOT NULL,
  finished_at TIMESTAMP WITH TIME ZONE,
  attempts BIGINT DEFAULT '0' NOT NULL,
  not_before TIMESTAMP WITH TIME ZONE NOT NULL,
  error TEXT,
  CONSTRAINT pk_jobs PRIMARY KEY (id),
  CONSTRAINT ck_jobs_cursor_within CHECK (total > 0 AND cursor <= total),
  CONSTRAINT ck_jobs_results_add_up CHECK (least(done, waiting, failed) >= 0 AND done + waiting + failed = cursor),
  CONSTRAINT ck_jobs_done_when_all_are CHECK ((state = 'DONE') = (cursor = total)),
  CONSTRAINT ck_jobs_input_sha256_length CHECK (octet_length(input_sha256) = 32),
  CONSTRAINT fk_jobs_client_id_oauth_clients FOREIGN KEY(client_id) REFERENCES oauth_clients (id),
  CONSTRAINT ck_jobs_state CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED'))
);

CREATE INDEX ix_jobs_open ON jobs (advanced_at) WHERE state IN ('QUEUED', 'RUNNING');

CREATE INDEX ix_jobs_party_id_id ON jobs (party_id, id);

CREATE FUNCTION guard_jobs_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('QUEUED', 'CANCELLED'), ('QUEUED', 'FAILED'), ('QUEUED', 'RUNNING'), ('RUNNING', 'CANCELLED'), ('RUNNING', 'DONE'), ('RUNNING', 'FAILED'), ('FAILED', 'QUEUED'), ('CANCELLED', 'QUEUED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'jobs: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER jobs_guard_state BEFORE UPDATE OF state ON jobs FOR EACH ROW EXECUTE FUNCTION guard_jobs_state();

CREATE TABLE bank_reports (
  id UUID NOT NULL,
  bank_id UUID NOT NULL,
  kind TEXT NOT NULL,
  message_id TEXT NOT NULL,
  sha256 BYTEA NOT NULL,
  original BYTEA NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_bank_reports PRIMARY KEY (id),
  CONSTRAINT uq_bank_reports_bank_id_sha256 UNIQUE (bank_id, sha256),
  CONSTRAINT fk_bank_reports_bank_id_parties FOREIGN KEY(bank_id) REFERENCES parties (id)
);

CREATE TRIGGER bank_reports_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bank_reports FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE reconciliations (
  creditor_id UUID NOT NULL,
  debtor_id UUID NOT NULL,
  currency TEXT NOT NULL,
  first_on DATE NOT NULL,
  last_on DATE NOT NULL,
  number BIGINT NOT NULL,
  opening_minor BIGINT NOT NULL,
  confirmed_minor BIGINT NOT NULL,
  paid_minor BIGINT NOT NULL,
  reversed_minor BIGINT NOT NULL,
  credited_minor BIGINT NOT NULL,
  closing_minor BIGINT NOT NULL,
  lines BYTEA NOT NULL,
  state VARCHAR(8) NOT NULL,
  drawn_at TIMESTAMP WITH TIME ZONE NOT NULL,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  signed UUID[] DEFAULT '{}' NOT NULL,
  authorizations BYTEA[] DEFAULT '{}' NOT NULL,
  CONSTRAINT pk_reconciliations PRIMARY KEY (id),
  CONSTRAINT uq_reconciliations_creditor_id_debtor_id_currency_first_fe43 UNIQUE (creditor_id, debtor_id, currency, first_on, number),
  CONSTRAINT ck_reconciliations_adds_up CHECK (closing_minor = opening_minor + confirmed_minor - paid_minor + reversed_minor - credited_minor),
  CONSTRAINT fk_reconciliations_creditor_id_parties FOREIGN KEY(creditor_id) REFERENCES parties (id),
  CONSTRAINT fk_reconciliations_debtor_id_parties FOREIGN KEY(debtor_id) REFERENCES parties (id),
  CONSTRAINT ck_reconciliations_reconciliationstate CHECK (state IN ('OPEN', 'OBJECTED', 'AGREED'))
);

CREATE INDEX ix_reconciliations_creditor_id_id ON reconciliations (creditor_id, id);

CREATE INDEX ix_reconciliations_debtor_id_id ON reconciliations (debtor_id, id);

CREATE TABLE person_keys (
  person_id UUID NOT NULL,
  key BYTEA NOT NULL,
  CONSTRAINT pk_person_keys PRIMARY KEY (person_id),
  CONSTRAINT fk_person_keys_person_id_persons FOREIGN KEY(person_id) REFERENCES persons (id)
);

CREATE TABLE person_names (
  person_id UUID NOT NULL,
  nonce BYTEA NOT NULL,
  ciphertext BYTEA NOT NULL,
  CONSTRAINT pk_person_names PRIMARY KEY (person_id),
  CONSTRAINT fk_person_names_person_id_persons FOREIGN KEY(person_id) REFERENCES persons (id)
);

CREATE TABLE person_erasures (
  person_id UUID NOT NULL,
  erased_by UUID NOT NULL,
  erased_at TIMESTAMP WITH TIME ZONE NOT NULL,
  reason TEXT NOT NULL,
  CONSTRAINT pk_person_erasures PRIMARY KEY (person_id),
  CONSTRAINT fk_person_erasures_person_id_persons FOREIGN KEY(person_id) REFERENCES persons (id),
  CONSTRAINT fk_person_erasures_erased_by_oauth_clients FOREIGN KEY(erased_by) REFERENCES oauth_clients (id)
);

CREATE TRIGGER person_erasures_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON person_erasures FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE certificates (
  id UUID NOT NULL,
  authority_id UUID NOT NULL,
  party_id UUID NOT NULL,
  person_id UUID NOT NULL,
  serial TEXT NOT NULL,
  thumbprint TEXT NOT NULL,
  key_sha256 BYTEA NOT NULL,
  pem TEXT NOT NULL,
  valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
  valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
  registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  revocation_reason TEXT,
  CONSTRAINT pk_certificates PRIMARY KEY (id),
  CONSTRAINT uq_certificates_authority_id_serial UNIQUE (authority_id, serial),
  CONSTRAINT fk_certificates_authority_id_certificate_authorities FOREIGN KEY(authority_id) REFERENCES certificate_authorities (id),
  CONSTRAINT fk_certificates_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id),
  CONSTRAINT fk_certificates_person_id_persons FOREIGN KEY(person_id) REFERENCES persons (id),
  CONSTRAINT uq_certificates_thumbprint UNIQUE (thumbprint)
);

CREATE INDEX ix_certificates_key_sha256 ON certificates (key_sha256);

CREATE INDEX ix_certificates_person_id ON certificates (person_id);

CREATE TRIGGER certificates_only_revoke BEFORE UPDATE OR DELETE ON certificates FOR EACH ROW EXECUTE FUNCTION only_revoke();

CREATE TABLE mandates (
  id UUID NOT NULL,
  party_id UUID NOT NULL,
  person_id UUID NOT NULL,
  role VARCHAR(7) NOT NULL,
  acts TEXT[] NOT NULL,
  limit_minor BIGINT NOT NULL,
  limit_currency TEXT NOT NULL,
  valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
  valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
  substitutes_id UUID,
  registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  revocation_reason TEXT,
  CONSTRAINT pk_mandates PRIMARY KEY (id),
  CONSTRAINT ck_mandates_limit_not_negative CHECK (limit_minor >= 0),
  CONSTRAINT ck_mandates_valid_in_order CHECK (valid_from < valid_to),
  CONSTRAINT ck_mandates_acts_not_empty CHECK (cardinality(acts) > 0),
  CONSTRAINT fk_mandates_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id),
  CONSTRAINT fk_mandates_person_id_persons FOREIGN KEY(person_id) REFERENCES persons (id),
  CONSTRAINT ck_mandates_role CHECK (role IN ('maker', 'checker', 'signer')),
  CONSTRAINT fk_mandates_substitutes_id_mandates FOREIGN KEY(substitutes_id) REFERENCES mandates (id)
);

CREATE INDEX ix_mandates_person_id_party_id ON mandates (person_id, party_id);

CREATE INDEX ix_mandates_substitutes_id ON mandates (substitutes_id);

CREATE TRIGGER mandates_only_revoke BEFORE UPDATE OR DELETE ON mandates FOR EACH ROW EXECUTE FUNCTION only_revoke();

CREATE TABLE look_ups (
  id UUID NOT NULL,
  by_id UUID NOT NULL,
  client_id UUID NOT NULL,
  named BOOLEAN NOT NULL,
  party_id UUID NOT NULL,
  kind VARCHAR(21) NOT NULL,
  subject TEXT NOT NULL,
  purpose VARCHAR(16) NOT NULL,
  basis VARCHAR(8) NOT NULL,
  consent_id UUID,
  reason TEXT,
  made_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_look_ups PRIMARY KEY (id),
  CONSTRAINT ck_look_ups_consent_named CHECK ((basis = 'consent') = (consent_id IS NOT NULL)),
  CONSTRAINT ck_look_ups_reason_given CHECK (basis <> 'law' OR reason IS NOT NULL),
  CONSTRAINT fk_look_ups_by_id_parties FOREIGN KEY(by_id) REFERENCES parties (id),
  CONSTRAINT fk_look_ups_client_id_oauth_clients FOREIGN KEY(client_id) REFERENCES oauth_clients (id),
  CONSTRAINT fk_look_ups_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id),
  CONSTRAINT ck_look_ups_looked CHECK (kind IN ('confirmation_requests', 'on_time_rate', 'pledge_record', 'dossier', 'register', 'blind_registry')),
  CONSTRAINT ck_look_ups_purpose CHECK (purpose IN ('supervision', 'credit_review', 'security', 'loan_file', 'double_financing')),
  CONSTRAINT ck_look_ups_basis CHECK (basis IN ('law', 'relation', 'consent', 'paper')),
  CONSTRAINT fk_look_ups_consent_id_consents FOREIGN KEY(consent_id) REFERENCES consents (id)
);

CREATE INDEX ix_look_ups_by_id_id ON look_ups (by_id, id);

CREATE INDEX ix_look_ups_party_id_id ON look_ups (party_id, id);

CREATE TRIGGER look_ups_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON look_ups FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE tasks (
  id UUID NOT NULL,
  party_id UUID NOT NULL,
  role TEXT NOT NULL,
  person_id UUID,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  occasion TEXT NOT NULL,
  fields JSONB NOT NULL,
  due_on DATE,
  state VARCHAR(4) NOT NULL,
  raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
  closed_at TIMESTAMP WITH TIME ZONE,
  closed_by UUID,
  CONSTRAINT pk_tasks PRIMARY KEY (id),
  CONSTRAINT uq_tasks_party_id_kind_subject_occasion UNIQUE (party_id, kind, subject, occasion),
  CONSTRAINT ck_tasks_closed_when_not_open CHECK ((state = 'open') = (closed_at IS NULL)),
  CONSTRAINT fk_tasks_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id),
  CONSTRAINT fk_tasks_person_id_persons FOREIGN KEY(person_id) REFERENCES persons (id),
  CONSTRAINT ck_tasks_state CHECK (state IN ('open', 'done', 'void')),
  CONSTRAINT fk_tasks_closed_by_oauth_clients FOREIGN KEY(closed_by) REFERENCES oauth_clients (id)
);

CREATE INDEX ix_tasks_open ON tasks (subject, kind) WHERE state = 'open';

CREATE INDEX ix_tasks_party_id_id ON tasks (party_id, id);

CREATE FUNCTION guard_tasks_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('open', 'done'), ('open', 'void')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'tasks: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER tasks_guard_state BEFORE UPDATE OF state ON tasks FOR EACH ROW EXECUTE FUNCTION guard_tasks_state();

CREATE TABLE document_originals (
  document_id UUID NOT NULL,
  original BYTEA NOT NULL,
  filename TEXT,
  CONSTRAINT pk_document_originals PRIMARY KEY (document_id),
  CONSTRAINT fk_document_originals_document_id_documents FOREIGN KEY(document_id) REFERENCES documents (id)
);

CREATE TRIGGER document_originals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document_originals FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE invoice_checks (
  document_id UUID NOT NULL,
  status VARCHAR(4) NOT NULL,
  sound BOOLEAN NOT NULL,
  answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  checked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  CONSTRAINT pk_invoice_checks PRIMARY KEY (id),
  CONSTRAINT fk_invoice_checks_document_id_documents FOREIGN KEY(document_id) REFERENCES documents (id),
  CONSTRAINT ck_invoice_checks_invoicestatus CHECK (status IN ('正常', '部分红冲', '红冲', '作废', '查无此票'))
);

CREATE INDEX ix_invoice_checks_document_id_id ON invoice_checks (document_id, id);

CREATE TABLE receivables (
  programme_id UUID NOT NULL,
  creditor_id UUID NOT NULL,
  debtor_id UUID NOT NULL,
  line_no TEXT NOT NULL,
  contract_no TEXT,
  receipt_no TEXT,
  delivered_on DATE,
  due_on DATE NOT NULL,
  currency TEXT NOT NULL,
  claimed_minor BIGINT NOT NULL,
  confirmed_minor BIGINT DEFAULT '0' NOT NULL,
  disputed_minor BIGINT DEFAULT '0' NOT NULL,
  rejected_minor BIGINT DEFAULT '0' NOT NULL,
  paid_minor BIGINT DEFAULT '0' NOT NULL,
  paid_taken_minor BIGINT DEFAULT '0' NOT NULL,
  astray_minor BIGINT DEFAULT '0' NOT NULL,
  astray_taken_minor BIGINT DEFAULT '0' NOT NULL,
  state VARCHAR(19) DEFAULT 'SUBMITTED' NOT NULL,
  reason TEXT,
  reason_compliant BOOLEAN,
  pay_to JSONB,
  parts JSONB,
  no_setoff BOOLEAN,
  consents TEXT[],
  retention_minor BIGINT,
  retention_due_on DATE,
  assignment_banned BOOLEAN,
  counterclaims JSONB,
  pool_id UUID,
  confirmed_event_hash BYTEA,
  viewers UUID[] DEFAULT '{}' NOT NULL,
  submitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
  changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  CONSTRAINT pk_receivables PRIMARY KEY (id),
  CONSTRAINT ck_receivables_claimed_positive CHECK (claimed_minor > 0),
  CONSTRAINT ck_receivables_amounts_not_negative CHECK (least(confirmed_minor, disputed_minor, rejected_minor) >= 0),
  CONSTRAINT ck_receivables_taken_was_paid CHECK (paid_taken_minor BETWEEN 0 AND paid_minor AND astray_taken_minor BETWEEN 0 AND astray_minor),
  CONSTRAINT ck_receivables_retention_within CHECK (retention_minor IS NULL AND retention_due_on IS NULL OR retention_minor BETWEEN 1 AND confirmed_minor AND retention_due_on >= due_on),
  CONSTRAINT ck_receivables_answer_adds_up CHECK (CASE WHEN pool_id IS NULL THEN confirmed_minor = 0 AND disputed_minor + rejected_minor <= claimed_minor ELSE confirmed_minor + disputed_minor + rejected_minor = claimed_minor END),
  CONSTRAINT fk_receivables_programme_id_programmes FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_receivables_creditor_id_parties FOREIGN KEY(creditor_id) REFERENCES parties (id),
  CONSTRAINT fk_receivables_debtor_id_parties FOREIGN KEY(debtor_id) REFERENCES parties (id),
  CONSTRAINT ck_receivables_state CHECK (state IN ('SUBMITTED', 'DISPUTED', 'REJECTED', 'WITHDRAWN', 'CONFIRMED', 'PARTIALLY_CONFIRMED', 'PARTLY_PAID', 'PAID')),
  CONSTRAINT uq_receivables_pool_id UNIQUE (pool_id),
  CONSTRAINT fk_receivables_pool_id_pools FOREIGN KEY(pool_id) REFERENCES pools (id) DEFERRABLE INITIALLY DEFERRED
);

CREATE INDEX ix_receivables_creditor_id_id ON receivables (creditor_id, id);

CREATE INDEX ix_receivables_debtor_id_id ON receivables (debtor_id, id);

CREATE INDEX ix_receivables_viewers ON receivables USING gin (viewers);

CREATE UNIQUE INDEX uq_receivables_live_line ON receivables (programme_id, creditor_id, line_no) WHERE state NOT IN ('REJECTED', 'WITHDRAWN');

CREATE FUNCTION guard_receivable_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('SUBMITTED', 'CONFIRMED'), ('SUBMITTED', 'DISPUTED'), ('SUBMITTED', 'PARTIALLY_CONFIRMED'), ('SUBMITTED', 'REJECTED'), ('SUBMITTED', 'WITHDRAWN'), ('DISPUTED', 'CONFIRMED'), ('DISPUTED', 'PARTIALLY_CONFIRMED'), ('DISPUTED', 'REJECTED'), ('CONFIRMED', 'PAID'), ('CONFIRMED', 'PARTLY_PAID'), ('PARTIALLY_CONFIRMED', 'PAID'), ('PARTIALLY_CONFIRMED', 'PARTLY_PAID'), ('PARTLY_PAID', 'PAID'), ('PAID', 'PARTLY_PAID')) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'receivable %: % does not become %', OLD.id, OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER receivables_guard_state BEFORE UPDATE OF state ON receivables
  FOR EACH ROW EXECUTE FUNCTION guard_receivable_state();

CREATE TABLE blind_tokens (
  token BYTEA NOT NULL,
  document_id UUID,
  pool_id UUID,
  currency TEXT NOT NULL,
  value_minor BIGINT NOT NULL,
  held_minor BIGINT NOT NULL,
  known_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_blind_tokens PRIMARY KEY (token),
  CONSTRAINT ck_blind_tokens_token_length CHECK (octet_length(token) = 32),
  CONSTRAINT ck_blind_tokens_amounts_not_negative CHECK (value_minor > 0 AND held_minor >= 0),
  CONSTRAINT uq_blind_tokens_document_id UNIQUE (document_id),
  CONSTRAINT fk_blind_tokens_document_id_documents FOREIGN KEY(document_id) REFERENCES documents (id),
  CONSTRAINT uq_blind_tokens_pool_id UNIQUE (pool_id),
  CONSTRAINT fk_blind_tokens_pool_id_pools FOREIGN KEY(pool_id) REFERENCES pools (id) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE pool_marks (
  pool_id UUID NOT NULL,
  side VARCHAR(2) NOT NULL,
  mark TEXT NOT NULL,
  amount_minor BIGINT NOT NULL,
  CONSTRAINT pk_pool_marks PRIMARY KEY (pool_id, side, mark),
  CONSTRAINT ck_pool_marks_amount_positive CHECK (amount_minor > 0),
  CONSTRAINT fk_pool_marks_pool_id_pools FOREIGN KEY(pool_id) REFERENCES pools (id),
  CONSTRAINT ck_pool_marks_side CHECK (side IN ('is', 'of'))
);

CREATE INDEX ix_pool_marks_mark ON pool_marks (mark, side);

CREATE TRIGGER pool_marks_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pool_marks FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE conversion_edges (
  id UUID NOT NULL,
  from_pool_id UUID NOT NULL,
  to_pool_id UUID NOT NULL,
  family TEXT NOT NULL,
  amount_minor BIGINT NOT NULL,
  carried_minor BIGINT NOT NULL,
  passed_minor BIGINT NOT NULL,
  moving_minor BIGINT NOT NULL,
  drawn_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_conversion_edges PRIMARY KEY (id),
  CONSTRAINT uq_conversion_edges_from_pool_id_to_pool_id UNIQUE (from_pool_id, to_pool_id),
  CONSTRAINT ck_conversion_edges_ends_differ CHECK (from_pool_id <> to_pool_id),
  CONSTRAINT ck_conversion_edges_amount_positive CHECK (amount_minor > 0),
  CONSTRAINT ck_conversion_edges_within_amount CHECK (least(carried_minor, passed_minor, moving_minor) >= 0 AND carried_minor + passed_minor <= amount_minor),
  CONSTRAINT fk_conversion_edges_from_pool_id_pools FOREIGN KEY(from_pool_id) REFERENCES pools (id),
  CONSTRAINT fk_conversion_edges_to_pool_id_pools FOREIGN KEY(to_pool_id) REFERENCES pools (id)
);

CREATE INDEX ix_conversion_edges_to_pool_id ON conversion_edges (to_pool_id);

CREATE FUNCTION guard_edge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF pg_trigger_depth() > 1 THEN RETURN NEW; END IF; -- an entry's own trigger
    RAISE EXCEPTION 'an edge''s amounts change only through pool_entries'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.carried_minor + NEW.passed_minor + NEW.moving_minor <> 0 OR NOT EXISTS (
    SELECT FROM pools a JOIN pools b ON b.id = NEW.to_pool_id AND b.currency = a.currency
    WHERE a.id = NEW.from_pool_id AND NEW.amount_minor <= a.confirmed_minor - (
      SELECT coalesce(sum(carried_minor), 0) FROM conversion_edges WHERE from_pool_id = a.id))
  THEN
    RAISE EXCEPTION 'pool %: more is to become of it than is there', NEW.from_pool_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER conversion_edges_guard BEFORE INSERT OR UPDATE ON conversion_edges
  FOR EACH ROW EXECUTE FUNCTION guard_edge();

CREATE FUNCTION balance_edge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  edge conversion_edges%ROWTYPE;
BEGIN
  SELECT * INTO edge FROM conversion_edges WHERE id = NEW.id;
  IF edge.carried_minor + edge.passed_minor <> edge.amount_minor OR edge.moving_minor <> 0 THEN
    RAISE EXCEPTION 'edge %: % of % carried, % passed, % on its way', edge.id, edge.carried_minor,
      edge.amount_minor, edge.passed_minor, edge.moving_minor USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER conversion_edges_balance AFTER INSERT OR UPDATE ON conversion_edges
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION balance_edge();

CREATE TRIGGER conversion_edges_kept BEFORE DELETE OR TRUNCATE ON conversion_edges
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE trade_document_lines (
  document_id UUID NOT NULL,
  position BIGINT NOT NULL,
  order_no TEXT,
  order_line TEXT,
  item TEXT NOT NULL,
  quantity NUMERIC(25, 9) NOT NULL,
  amount_minor BIGINT,
  currency TEXT,
  CONSTRAINT pk_trade_document_lines PRIMARY KEY (document_id, position),
  CONSTRAINT ck_trade_document_lines_quantity_not_negative CHECK (quantity >= 0),
  CONSTRAINT ck_trade_document_lines_amount_not_negative CHECK (amount_minor >= 0 AND currency IS NOT NULL OR amount_minor IS NULL),
  CONSTRAINT fk_trade_document_lines_document_id_trade_documents FOREIGN KEY(document_id) REFERENCES trade_documents (id)
);

CREATE INDEX ix_trade_document_lines_order_no ON trade_document_lines (order_no, document_id);

CREATE TRIGGER trade_document_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON trade_document_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE programme_members (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  party_id UUID NOT NULL,
  role VARCHAR(8) NOT NULL,
  joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  revocation_reason TEXT,
  CONSTRAINT pk_programme_members PRIMARY KEY (id),
  CONSTRAINT fk_programme_members_programme_id_programmes FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_programme_members_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id),
  CONSTRAINT ck_programme_members_memberrole CHECK (role IN ('anchor', 'supplier', 'funder'))
);

CREATE INDEX ix_programme_members_party_id ON programme_members (party_id);

CREATE UNIQUE INDEX uq_programme_members_live ON programme_members (programme_id, party_id) WHERE revoked_at IS NULL;

CREATE TABLE red_notes (
  document_id UUID NOT NULL,
  seller_id UUID NOT NULL,
  buyer_id UUID,
  form_no TEXT NOT NULL,
  applicant VARCHAR(6) NOT NULL,
  used BOOLEAN NOT NULL,
  reason VARCHAR(4) NOT NULL,
  currency TEXT NOT NULL,
  net_minor BIGINT NOT NULL,
  tax_minor BIGINT NOT NULL,
  state VARCHAR(15) NOT NULL,
  state_since TIMESTAMP WITH TIME ZONE NOT NULL,
  entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  lapses_at TIMESTAMP WITH TIME ZONE,
  red_document_id UUID,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  CONSTRAINT pk_red_notes PRIMARY KEY (id),
  CONSTRAINT uq_red_notes_seller_id_form_no UNIQUE (seller_id, form_no),
  CONSTRAINT ck_red_notes_amounts_positive CHECK (net_minor >= 0 AND tax_minor >= 0 AND net_minor + tax_minor > 0),
  CONSTRAINT ck_red_notes_issued_with_its_invoice CHECK ((state = 'ISSUED') = (red_document_id IS NOT NULL)),
  CONSTRAINT fk_red_notes_document_id_documents FOREIGN KEY(document_id) REFERENCES documents (id),
  CONSTRAINT fk_red_notes_seller_id_parties FOREIGN KEY(seller_id) REFERENCES parties (id),
  CONSTRAINT fk_red_notes_buyer_id_parties FOREIGN KEY(buyer_id) REFERENCES parties (id),
  CONSTRAINT ck_red_notes_applicant CHECK (applicant IN ('seller', 'buyer')),
  CONSTRAINT ck_red_notes_redreason CHECK (reason IN ('开票有误', '销货退回', '服务中止', '销售折让')),
  CONSTRAINT ck_red_notes_redstate CHECK (state IN ('NOT_NEEDED', 'AWAITING_BUYER', 'AWAITING_SELLER', 'CONFIRMED', 'DENIED', 'LAPSED', 'WITHDRAWN', 'ISSUED')),
  CONSTRAINT uq_red_notes_red_document_id UNIQUE (red_document_id),
  CONSTRAINT fk_red_notes_red_document_id_documents FOREIGN KEY(red_document_id) REFERENCES documents (id)
);

CREATE INDEX ix_red_notes_buyer_id_id ON red_notes (buyer_id, id);

CREATE INDEX ix_red_notes_document_id ON red_notes (document_id);

CREATE INDEX ix_red_notes_lapses_at ON red_notes (lapses_at) WHERE state IN ('AWAITING_BUYER', 'AWAITING_SELLER');

CREATE INDEX ix_red_notes_seller_id_id ON red_notes (seller_id, id);

CREATE FUNCTION guard_red_notes_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('NOT_NEEDED', 'ISSUED'), ('NOT_NEEDED', 'WITHDRAWN'), ('AWAITING_BUYER', 'CONFIRMED'), ('AWAITING_BUYER', 'DENIED'), ('AWAITING_BUYER', 'ISSUED'), ('AWAITING_BUYER', 'LAPSED'), ('AWAITING_BUYER', 'WITHDRAWN'), ('AWAITING_SELLER', 'CONFIRMED'), ('AWAITING_SELLER', 'DENIED'), ('AWAITING_SELLER', 'ISSUED'), ('AWAITING_SELLER', 'LAPSED'), ('AWAITING_SELLER', 'WITHDRAWN'), ('CONFIRMED', 'ISSUED'), ('CONFIRMED', 'WITHDRAWN')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'red_notes: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER red_notes_guard_state BEFORE UPDATE OF state ON red_notes FOR EACH ROW EXECUTE FUNCTION guard_red_notes_state();

CREATE TABLE webhook_deliveries (
  webhook_id UUID NOT NULL,
  index BIGINT NOT NULL,
  id UUID NOT NULL,
  event_id UUID NOT NULL,
  type TEXT NOT NULL,
  state VARCHAR(9) NOT NULL,
  attempts BIGINT NOT NULL,
  next_attempt_at TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  done_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_webhook_deliveries PRIMARY KEY (webhook_id, index),
  CONSTRAINT ck_webhook_deliveries_done_when_not_waiting CHECK ((state = 'waiting') = (done_at IS NULL)),
  CONSTRAINT fk_webhook_deliveries_webhook_id_webhooks FOREIGN KEY(webhook_id) REFERENCES webhooks (id),
  CONSTRAINT uq_webhook_deliveries_id UNIQUE (id),
  CONSTRAINT ck_webhook_deliveries_deliverystate CHECK (state IN ('waiting', 'delivered', 'failed'))
);

CREATE INDEX ix_webhook_deliveries_waiting ON webhook_deliveries (webhook_id, next_attempt_at) WHERE state = 'waiting';

CREATE TABLE trade_stages (
  document_id UUID NOT NULL,
  kind VARCHAR(5) NOT NULL,
  seller_id UUID NOT NULL,
  buyer_id UUID NOT NULL,
  state VARCHAR(10) NOT NULL,
  currency TEXT NOT NULL,
  confirmed_minor BIGINT,
  due_on DATE,
  pool_id UUID,
  confirmed_event_hash BYTEA,
  registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  CONSTRAINT pk_trade_stages PRIMARY KEY (id),
  CONSTRAINT ck_trade_stages_confirmed_with_pool CHECK ((state = 'CONFIRMED') = (pool_id IS NOT NULL AND confirmed_minor IS NOT NULL AND due_on IS NOT NULL AND confirmed_event_hash IS NOT NULL)),
  CONSTRAINT ck_trade_stages_confirmed_positive CHECK (confirmed_minor > 0),
  CONSTRAINT uq_trade_stages_document_id UNIQUE (document_id),
  CONSTRAINT fk_trade_stages_document_id_trade_documents FOREIGN KEY(document_id) REFERENCES trade_documents (id),
  CONSTRAINT ck_trade_stages_stagekind CHECK (kind IN ('order', 'goods')),
  CONSTRAINT fk_trade_stages_seller_id_parties FOREIGN KEY(seller_id) REFERENCES parties (id),
  CONSTRAINT fk_trade_stages_buyer_id_parties FOREIGN KEY(buyer_id) REFERENCES parties (id),
  CONSTRAINT ck_trade_stages_state CHECK (state IN ('REGISTERED', 'CONFIRMED')),
  CONSTRAINT uq_trade_stages_pool_id UNIQUE (pool_id),
  CONSTRAINT fk_trade_stages_pool_id_pools FOREIGN KEY(pool_id) REFERENCES pools (id) DEFERRABLE INITIALLY DEFERRED
);

CREATE INDEX ix_trade_stages_buyer_id_id ON trade_stages (buyer_id, id);

CREATE INDEX ix_trade_stages_seller_id_id ON trade_stages (seller_id, id);

CREATE FUNCTION guard_trade_stages_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('REGISTERED', 'CONFIRMED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'trade_stages: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER trade_stages_guard_state BEFORE UPDATE OF state ON trade_stages FOR EACH ROW EXECUTE FUNCTION guard_trade_stages_state();

CREATE TABLE job_items (
  job_id UUID NOT NULL,
  place BIGINT NOT NULL,
  row BIGINT NOT NULL,
  cells TEXT[] NOT NULL,
  CONSTRAINT pk_job_items PRIMARY KEY (job_id, place),
  CONSTRAINT fk_job_items_job_id_jobs FOREIGN KEY(job_id) REFERENCES jobs (id)
);

CREATE TRIGGER job_items_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON job_items FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE invitations (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  uscc TEXT NOT NULL,
  name TEXT NOT NULL,
  contact TEXT,
  token_sha256 BYTEA NOT NULL,
  state VARCHAR(8) NOT NULL,
  attempts BIGINT DEFAULT '0' NOT NULL,
  person_id UUID NOT NULL,
  challenge BYTEA NOT NULL,
  invited_by UUID NOT NULL,
  invited_at TIMESTAMP WITH TIME ZONE NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  opened_at TIMESTAMP WITH TIME ZONE,
  ended_at TIMESTAMP WITH TIME ZONE,
  party_id UUID,
  CONSTRAINT pk_invitations PRIMARY KEY (id),
  CONSTRAINT ck_invitations_token_sha256_length CHECK (octet_length(token_sha256) = 32),
  CONSTRAINT ck_invitations_party_if_accepted CHECK ((state = 'ACCEPTED') = (party_id IS NOT NULL)),
  CONSTRAINT ck_invitations_contact_while_live CHECK ((state IN ('INVITED', 'OPENED')) = (contact IS NOT NULL)),
  CONSTRAINT fk_invitations_programme_id_programmes FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT ck_invitations_state CHECK (state IN ('INVITED', 'OPENED', 'ACCEPTED', 'EXPIRED', 'REVOKED')),
  CONSTRAINT fk_invitations_invited_by_oauth_clients FOREIGN KEY(invited_by) REFERENCES oauth_clients (id),
  CONSTRAINT fk_invitations_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id)
);

CREATE INDEX ix_invitations_uscc ON invitations (uscc);

CREATE UNIQUE INDEX uq_invitations_live ON invitations (programme_id, uscc) WHERE state IN ('INVITED', 'OPENED');

CREATE FUNCTION guard_invitations_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('INVITED', 'ACCEPTED'), ('INVITED', 'EXPIRED'), ('INVITED', 'OPENED'), ('INVITED', 'REVOKED'), ('OPENED', 'ACCEPTED'), ('OPENED', 'EXPIRED'), ('OPENED', 'REVOKED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'invitations: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER invitations_guard_state BEFORE UPDATE OF state ON invitations FOR EACH ROW EXECUTE FUNCTION guard_invitations_state();

CREATE TABLE payment_orders (
  id UUID NOT NULL,
  debtor_id UUID NOT NULL,
  message_id TEXT NOT NULL,
  account JSONB NOT NULL,
  currency TEXT NOT NULL,
  total_minor BIGINT NOT NULL,
  execute_on DATE NOT NULL,
  body BYTEA NOT NULL,
  state VARCHAR(9) NOT NULL,
  state_since TIMESTAMP WITH TIME ZONE NOT NULL,
  problem TEXT,
  maker_id UUID NOT NULL,
  checker_id UUID,
  drafted_at TIMESTAMP WITH TIME ZONE NOT NULL,
  approved_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_payment_orders PRIMARY KEY (id),
  CONSTRAINT ck_payment_orders_two_people CHECK (maker_id <> checker_id),
  CONSTRAINT ck_payment_orders_approved_first CHECK ((checker_id IS NULL) = (state IN ('DRAFTED', 'WITHDRAWN'))),
  CONSTRAINT fk_payment_orders_debtor_id_parties FOREIGN KEY(debtor_id) REFERENCES parties (id),
  CONSTRAINT uq_payment_orders_message_id UNIQUE (message_id),
  CONSTRAINT ck_payment_orders_orderstate CHECK (state IN ('DRAFTED', 'APPROVED', 'SENT', 'ACCEPTED', 'REJECTED', 'EXECUTED', 'WITHDRAWN')),
  CONSTRAINT fk_payment_orders_maker_id_persons FOREIGN KEY(maker_id) REFERENCES persons (id),
  CONSTRAINT fk_payment_orders_checker_id_persons FOREIGN KEY(checker_id) REFERENCES persons (id)
);

CREATE INDEX ix_payment_orders_debtor_id_id ON payment_orders (debtor_id, id);

CREATE INDEX ix_payment_orders_open ON payment_orders (id) WHERE state IN ('APPROVED', 'SENT', 'ACCEPTED');

CREATE FUNCTION guard_payment_orders_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('DRAFTED', 'APPROVED'), ('DRAFTED', 'WITHDRAWN'), ('APPROVED', 'SENT'), ('SENT', 'ACCEPTED'), ('SENT', 'REJECTED'), ('ACCEPTED', 'EXECUTED'), ('ACCEPTED', 'REJECTED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'payment_orders: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER payment_orders_guard_state BEFORE UPDATE OF state ON payment_orders FOR EACH ROW EXECUTE FUNCTION guard_payment_orders_state();

CREATE TABLE reconciliation_objections (
  id UUID NOT NULL,
  reconciliation_id UUID NOT NULL,
  party_id UUID NOT NULL,
  closing_minor BIGINT NOT NULL,
  reason TEXT NOT NULL,
  objected_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_reconciliation_objections PRIMARY KEY (id),
  CONSTRAINT fk_reconciliation_objections_reconciliation_id_reconciliations FOREIGN KEY(reconciliation_id) REFERENCES reconciliations (id),
  CONSTRAINT fk_reconciliation_objections_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id)
);

CREATE INDEX ix_reconciliation_objections_reconciliation_id ON reconciliation_objections (reconciliation_id);

CREATE TRIGGER reconciliation_objections_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reconciliation_objections FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE approval_policies (
  id UUID NOT NULL,
  bank_id UUID NOT NULL,
  number BIGINT NOT NULL,
  effective_on DATE NOT NULL,
  content JSONB NOT NULL,
  sha256 BYTEA NOT NULL,
  maker_id UUID NOT NULL,
  maker_mandate_id UUID NOT NULL,
  checker_id UUID NOT NULL,
  checker_mandate_id UUID NOT NULL,
  recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_approval_policies PRIMARY KEY (id),
  CONSTRAINT uq_approval_policies_bank_id_number UNIQUE (bank_id, number),
  CONSTRAINT ck_approval_policies_two_people CHECK (maker_id <> checker_id),
  CONSTRAINT fk_approval_policies_bank_id_parties FOREIGN KEY(bank_id) REFERENCES parties (id),
  CONSTRAINT fk_approval_policies_maker_id_persons FOREIGN KEY(maker_id) REFERENCES persons (id),
  CONSTRAINT fk_approval_policies_maker_mandate_id_mandates FOREIGN KEY(maker_mandate_id) REFERENCES mandates (id),
  CONSTRAINT fk_approval_policies_checker_id_persons FOREIGN KEY(checker_id) REFERENCES persons (id),
  CONSTRAINT fk_approval_policies_checker_mandate_id_mandates FOREIGN KEY(checker_mandate_id) REFERENCES mandates (id)
);

CREATE TRIGGER approval_policies_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval_policies FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE pool_entries (
  pool_id UUID NOT NULL,
  version BIGINT NOT NULL,
  kind VARCHAR(7) NOT NULL,
  confirmed_delta_minor BIGINT NOT NULL,
  used_delta_minor BIGINT NOT NULL,
  holder_id UUID,
  holder TEXT,
  party_id UUID,
  edge_id UUID,
  entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_pool_entries PRIMARY KEY (pool_id, version),
  CONSTRAINT fk_pool_entries_event FOREIGN KEY(pool_id, version) REFERENCES events (subject_id, version) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT ck_pool_entries_kind_and_deltas CHECK (CASE kind WHEN 'OPEN' THEN holder_id IS NULL AND confirmed_delta_minor > 0 AND used_delta_minor = 0 AND version = 1 WHEN 'RESERVE' THEN holder_id IS NOT NULL AND party_id IS NOT NULL AND confirmed_delta_minor = 0 AND used_delta_minor > 0 WHEN 'PAY' THEN confirmed_delta_minor < 0 AND used_delta_minor = CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END WHEN 'DILUTE' THEN holder_id IS NULL AND confirmed_delta_minor < 0 AND used_delta_minor = 0 WHEN 'RELEASE' THEN holder_id IS NOT NULL AND confirmed_delta_minor = 0 AND used_delta_minor < 0 WHEN 'REVERSE' THEN confirmed_delta_minor > 0 AND used_delta_minor = CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END WHEN 'CARRY' THEN holder_id IS NOT NULL AND party_id IS NULL AND confirmed_delta_minor = 0 AND used_delta_minor <> 0 WHEN 'CONVERT' THEN confirmed_delta_minor < 0 AND used_delta_minor = CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END OR confirmed_delta_minor = 0 AND used_delta_minor > 0 AND holder_id IS NOT NULL END),
  CONSTRAINT ck_pool_entries_edge_of_conversion CHECK ((edge_id IS NOT NULL) = (kind IN ('CARRY', 'CONVERT'))),
  CONSTRAINT fk_pool_entries_pool_id_pools FOREIGN KEY(pool_id) REFERENCES pools (id),
  CONSTRAINT ck_pool_entries_entrykind CHECK (kind IN ('OPEN', 'RESERVE', 'PAY', 'DILUTE', 'RELEASE', 'REVERSE', 'CARRY', 'CONVERT')),
  CONSTRAINT fk_pool_entries_edge_id_conversion_edges FOREIGN KEY(edge_id) REFERENCES conversion_edges (id)
);

CREATE INDEX ix_pool_entries_edge_id ON pool_entries (edge_id) WHERE edge_id IS NOT NULL;

CREATE INDEX ix_pool_entries_holder_id ON pool_entries (holder_id);

CREATE INDEX ix_pool_entries_party_id ON pool_entries (party_id);

CREATE FUNCTION apply_pool_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  held bigint;
BEGIN
  UPDATE pools
    SET confirmed_minor = confirmed_minor + NEW.confirmed_delta_minor,
        used_minor = used_minor + NEW.used_delta_minor
    WHERE id = NEW.pool_id AND version + 1 = NEW.version
      AND CASE WHEN NEW.kind IN ('RESERVE', 'CARRY') AND NEW.used_delta_minor > 0
                 THEN free_minor >= NEW.used_delta_minor
               WHEN NEW.kind IN ('PAY', 'CONVERT') AND NEW.holder_id IS NULL
                 THEN free_minor >= -NEW.confirmed_delta_minor
               WHEN NEW.kind = 'CONVERT' AND NEW.used_delta_minor > 0 THEN EXISTS ( -- what was carried
                 SELECT FROM pool_entries
                 WHERE pool_id = NEW.pool_id AND version = NEW.version - 1 AND kind = 'CARRY'
                   AND edge_id = NEW.edge_id AND used_delta_minor = -NEW.used_delta_minor)
               ELSE true END;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'pool %: % refused, more than is free or not its next version',
      NEW.pool_id, NEW.kind USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.used_delta_minor < 0 THEN
    SELECT coalesce(sum(used_delta_minor), 0) INTO held FROM pool_entries
      WHERE pool_id = NEW.pool_id AND holder_id = NEW.holder_id;
    IF held < 0 THEN
      RAISE EXCEPTION 'pool %: more given back than % holds', NEW.pool_id, NEW.holder_id
        USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER pool_entries_apply AFTER INSERT ON pool_entries
  FOR EACH ROW EXECUTE FUNCTION apply_pool_entry();

CREATE TRIGGER pool_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pool_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE FUNCTION apply_edge_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.kind = 'CARRY' THEN
    UPDATE conversion_edges SET carried_minor = carried_minor + NEW.used_delta_minor
      WHERE id = NEW.edge_id AND to_pool_id = NEW.pool_id AND from_pool_id = NEW.holder_id;
  ELSIF NEW.confirmed_delta_minor < 0 THEN
    UPDATE conversion_edges SET passed_minor = passed_minor - NEW.confirmed_delta_minor,
        moving_minor = moving_minor - NEW.used_delta_minor
      WHERE id = NEW.edge_id AND from_pool_id = NEW.pool_id;
  ELSE
    UPDATE conversion_edges SET moving_minor = moving_minor - NEW.used_delta_minor
      WHERE id = NEW.edge_id AND to_pool_id = NEW.pool_id AND (
        SELECT sum(used_delta_minor) FROM pool_entries
          WHERE edge_id = NEW.edge_id AND holder_id = NEW.holder_id AND kind = 'CONVERT') <= 0;
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'pool %: % is not of edge %, or takes over more than its holder left',
      NEW.pool_id, NEW.kind, NEW.edge_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER pool_entries_edge AFTER INSERT ON pool_entries
  FOR EACH ROW WHEN (NEW.edge_id IS NOT NULL) EXECUTE FUNCTION apply_edge_entry();

CREATE TABLE pledges (
  kind VARCHAR(10) DEFAULT 'pledge' NOT NULL,
  recourse BOOLEAN DEFAULT true NOT NULL,
  disclosed BOOLEAN DEFAULT true NOT NULL,
  pledgor_id UUID NOT NULL,
  pledgee_id UUID NOT NULL,
  receivable_id UUID,
  stage_id UUID,
  receivable_event BYTEA NOT NULL,
  pool_id UUID NOT NULL,
  currency TEXT NOT NULL,
  amount_minor BIGINT NOT NULL,
  contract_sha256 BYTEA NOT NULL,
  principal_minor BIGINT NOT NULL,
  rate TEXT NOT NULL,
  principal_due_on DATE NOT NULL,
  signed_event BYTEA,
  state VARCHAR(9) NOT NULL,
  state_since TIMESTAMP WITH TIME ZONE NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ending TEXT,
  lapsed BOOLEAN DEFAULT false NOT NULL,
  reserved_at TIMESTAMP WITH TIME ZONE,
  legally_effective_at TIMESTAMP WITH TIME ZONE,
  lock_final_at TIMESTAMP WITH TIME ZONE,
  ready_to_disburse_at TIMESTAMP WITH TIME ZONE,
  recourse_called_at TIMESTAMP WITH TIME ZONE,
  released_at TIMESTAMP WITH TIME ZONE,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  CONSTRAINT pk_pledges PRIMARY KEY (id),
  CONSTRAINT ck_pledges_on_one_ground CHECK (num_nonnulls(receivable_id, stage_id) = 1),
  CONSTRAINT ck_pledges_principal_positive CHECK (principal_minor > 0),
  CONSTRAINT ck_pledges_pledge_is_plain CHECK (kind <> 'pledge' OR recourse AND disclosed),
  CONSTRAINT ck_pledges_amount_covers_principal CHECK (amount_minor >= principal_minor),
  CONSTRAINT ck_pledges_effective_when_registered CHECK ((state IN ('EFFECTIVE', 'RELEASED')) = (legally_effective_at IS NOT NULL)),
  CONSTRAINT ck_pledges_ready_when_registered_and_locked CHECK (ready_to_disburse_at IS NULL OR (legally_effective_at IS NOT NULL AND lock_final_at IS NOT NULL)),
  CONSTRAINT ck_pledges_securitykind CHECK (kind IN ('pledge', 'assignment', 'factoring')),
  CONSTRAINT fk_pledges_pledgor_id_parties FOREIGN KEY(pledgor_id) REFERENCES parties (id),
  CONSTRAINT fk_pledges_pledgee_id_parties FOREIGN KEY(pledgee_id) REFERENCES parties (id),
  CONSTRAINT fk_pledges_receivable_id_receivables FOREIGN KEY(receivable_id) REFERENCES receivables (id),
  CONSTRAINT fk_pledges_stage_id_trade_stages FOREIGN KEY(stage_id) REFERENCES trade_stages (id),
  CONSTRAINT fk_pledges_pool_id_pools FOREIGN KEY(pool_id) REFERENCES pools (id),
  CONSTRAINT ck_pledges_state CHECK (state IN ('PROPOSED', 'SIGNED', 'RESERVED', 'EFFECTIVE', 'RELEASED', 'CANCELLED', 'EXPIRED'))
);

CREATE INDEX ix_pledges_pledgee_id_id ON pledges (pledgee_id, id);

CREATE INDEX ix_pledges_pledgor_id_id ON pledges (pledgor_id, id);

CREATE INDEX ix_pledges_pool_id ON pledges (pool_id);

CREATE INDEX ix_pledges_receivable_id ON pledges (receivable_id);

CREATE INDEX ix_pledges_stage_id ON pledges (stage_id);

CREATE FUNCTION guard_pledges_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('PROPOSED', 'CANCELLED'), ('PROPOSED', 'EXPIRED'), ('PROPOSED', 'SIGNED'), ('SIGNED', 'CANCELLED'), ('SIGNED', 'EXPIRED'), ('SIGNED', 'RESERVED'), ('RESERVED', 'CANCELLED'), ('RESERVED', 'EFFECTIVE'), ('RESERVED', 'EXPIRED'), ('EFFECTIVE', 'RELEASED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'pledges: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER pledges_guard_state BEFORE UPDATE OF state ON pledges FOR EACH ROW EXECUTE FUNCTION guard_pledges_state();

CREATE TABLE receivable_documents (
  receivable_id UUID NOT NULL,
  position BIGINT NOT NULL,
  document_id UUID NOT NULL,
  live BOOLEAN DEFAULT true NOT NULL,
  CONSTRAINT pk_receivable_documents PRIMARY KEY (receivable_id, position),
  CONSTRAINT fk_receivable_documents_receivable_id_receivables FOREIGN KEY(receivable_id) REFERENCES receivables (id),
  CONSTRAINT fk_receivable_documents_document_id_documents FOREIGN KEY(document_id) REFERENCES documents (id)
);

CREATE INDEX ix_receivable_documents_document_id ON receivable_documents (document_id);

CREATE UNIQUE INDEX uq_receivable_documents_live ON receivable_documents (document_id) WHERE live;

CREATE TABLE receivable_payments (
  id UUID NOT NULL,
  receivable_id UUID NOT NULL,
  bank_id UUID NOT NULL,
  receipt_no TEXT NOT NULL,
  amount_minor BIGINT NOT NULL,
  currency TEXT NOT NULL,
  paid_on DATE NOT NULL,
  account TEXT NOT NULL,
  bank TEXT,
  to_named_account BOOLEAN NOT NULL,
  taken_minor BIGINT,
  event_id UUID NOT NULL,
  reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_receivable_payments PRIMARY KEY (id),
  CONSTRAINT uq_receivable_payments_bank_id_receipt_no UNIQUE (bank_id, receipt_no),
  CONSTRAINT ck_receivable_payments_amount_positive CHECK (amount_minor > 0),
  CONSTRAINT fk_receivable_payments_receivable_id_receivables FOREIGN KEY(receivable_id) REFERENCES receivables (id),
  CONSTRAINT fk_receivable_payments_bank_id_parties FOREIGN KEY(bank_id) REFERENCES parties (id),
  CONSTRAINT fk_receivable_payments_event_id_events FOREIGN KEY(event_id) REFERENCES events (id)
);

CREATE INDEX ix_receivable_payments_receivable_id ON receivable_payments (receivable_id);

CREATE TRIGGER receivable_payments_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receivable_payments FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE receivable_credit_notes (
  receivable_id UUID NOT NULL,
  note_id UUID NOT NULL,
  amount_minor BIGINT NOT NULL,
  recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_receivable_credit_notes PRIMARY KEY (receivable_id, note_id),
  CONSTRAINT fk_receivable_credit_notes_receivable_id_receivables FOREIGN KEY(receivable_id) REFERENCES receivables (id),
  CONSTRAINT fk_receivable_credit_notes_note_id_documents FOREIGN KEY(note_id) REFERENCES documents (id)
);

CREATE TRIGGER receivable_credit_notes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receivable_credit_notes FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE blind_holds (
  token BYTEA NOT NULL,
  party_id UUID NOT NULL,
  currency TEXT NOT NULL,
  amount_minor BIGINT NOT NULL,
  state VARCHAR(9) NOT NULL,
  placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  CONSTRAINT pk_blind_holds PRIMARY KEY (id),
  CONSTRAINT ck_blind_holds_amount_positive CHECK (amount_minor > 0),
  CONSTRAINT ck_blind_holds_ended_at_its_end CHECK ((state IN ('RELEASED', 'EXPIRED')) = (ended_at IS NOT NULL)),
  CONSTRAINT fk_blind_holds_token_blind_tokens FOREIGN KEY(token) REFERENCES blind_tokens (token),
  CONSTRAINT fk_blind_holds_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id),
  CONSTRAINT ck_blind_holds_state CHECK (state IN ('HELD', 'COMMITTED', 'RELEASED', 'EXPIRED'))
);

CREATE INDEX ix_blind_holds_party_id_id ON blind_holds (party_id, id);

CREATE INDEX ix_blind_holds_running ON blind_holds (expires_at) WHERE state = 'HELD';

CREATE INDEX ix_blind_holds_token ON blind_holds (token);

CREATE FUNCTION guard_blind_holds_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('HELD', 'COMMITTED'), ('HELD', 'EXPIRED'), ('HELD', 'RELEASED'), ('COMMITTED', 'RELEASED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'blind_holds: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER blind_holds_guard_state BEFORE UPDATE OF state ON blind_holds FOR EACH ROW EXECUTE FUNCTION guard_blind_holds_state();

CREATE TABLE confirmation_requests (
  id UUID NOT NULL,
  receivable_id UUID NOT NULL,
  creditor_id UUID NOT NULL,
  debtor_id UUID NOT NULL,
  event_id UUID NOT NULL,
  event_version BIGINT NOT NULL,
  requested_on DATE NOT NULL,
  requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
  note TEXT,
  currency TEXT NOT NULL,
  claimed_minor BIGINT NOT NULL,
  statutory BOOLEAN NOT NULL,
  conditions JSONB NOT NULL,
  rule_version BIGINT,
  days INTEGER,
  reminder_days INTEGER[] NOT NULL,
  deadline_on DATE,
  state VARCHAR(13) NOT NULL,
  state_since TIMESTAMP WITH TIME ZONE NOT NULL,
  overdue_on DATE,
  answered_on DATE,
  answer_event_id UUID,
  next_on DATE,
  seen_version BIGINT NOT NULL,
  fault TEXT,
  CONSTRAINT pk_confirmation_requests PRIMARY KEY (id),
  CONSTRAINT ck_confirmation_requests_claimed_positive CHECK (claimed_minor > 0),
  CONSTRAINT ck_confirmation_requests_statutory_has_days CHECK (statutory = (days IS NOT NULL) AND (NOT statutory OR deadline_on = requested_on + days)),
  CONSTRAINT ck_confirmation_requests_late_was_overdue CHECK ((overdue_on IS NOT NULL) >= (state IN ('OVERDUE', 'ESCALATED', 'ANSWERED_LATE'))),
  CONSTRAINT ck_confirmation_requests_answered_has_answer CHECK ((answered_on IS NOT NULL) = (state IN ('ANSWERED', 'ANSWERED_LATE')) AND (answered_on IS NULL) = (answer_event_id IS NULL)),
  CONSTRAINT fk_confirmation_requests_receivable_id_receivables FOREIGN KEY(receivable_id) REFERENCES receivables (id),
  CONSTRAINT fk_confirmation_requests_creditor_id_parties FOREIGN KEY(creditor_id) REFERENCES parties (id),
  CONSTRAINT fk_confirmation_requests_debtor_id_parties FOREIGN KEY(debtor_id) REFERENCES parties (id),
  CONSTRAINT uq_confirmation_requests_event_id UNIQUE (event_id),
  CONSTRAINT fk_confirmation_requests_event_id_events FOREIGN KEY(event_id) REFERENCES events (id),
  CONSTRAINT ck_confirmation_requests_requeststate CHECK (state IN ('OPEN', 'ANSWERED', 'OVERDUE', 'ANSWERED_LATE', 'ESCALATED', 'WITHDRAWN')),
  CONSTRAINT fk_confirmation_requests_answer_event_id_events FOREIGN KEY(answer_event_id) REFERENCES events (id)
);

CREATE INDEX ix_confirmation_requests_creditor_id_id ON confirmation_requests (creditor_id, id);

CREATE INDEX ix_confirmation_requests_debtor_id_deadline_on ON confirmation_requests (debtor_id, deadline_on);

CREATE INDEX ix_confirmation_requests_next_on ON confirmation_requests (next_on);

CREATE UNIQUE INDEX uq_confirmation_requests_running ON confirmation_requests (receivable_id) WHERE state IN ('OPEN', 'OVERDUE', 'ESCALATED');

CREATE FUNCTION guard_confirmation_requests_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('OPEN', 'ANSWERED'), ('OPEN', 'OVERDUE'), ('OPEN', 'WITHDRAWN'), ('OVERDUE', 'ANSWERED_LATE'), ('OVERDUE', 'ESCALATED'), ('OVERDUE', 'WITHDRAWN'), ('ESCALATED', 'ANSWERED_LATE'), ('ESCALATED', 'WITHDRAWN')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'confirmation_requests: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER confirmation_requests_guard_state BEFORE UPDATE OF state ON confirmation_requests FOR EACH ROW EXECUTE FUNCTION guard_confirmation_requests_state();

CREATE TABLE red_note_consents (
  red_note_id UUID NOT NULL,
  party_id UUID NOT NULL,
  asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  given BOOLEAN,
  answered_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_red_note_consents PRIMARY KEY (red_note_id, party_id),
  CONSTRAINT ck_red_note_consents_answered_once CHECK ((given IS NULL) = (answered_at IS NULL)),
  CONSTRAINT fk_red_note_consents_red_note_id_red_notes FOREIGN KEY(red_note_id) REFERENCES red_notes (id),
  CONSTRAINT fk_red_note_consents_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id)
);

CREATE INDEX ix_red_note_consents_party_id ON red_note_consents (party_id, red_note_id);

CREATE TABLE stage_reductions (
  event_id UUID NOT NULL,
  stage_id UUID NOT NULL,
  party_id UUID NOT NULL,
  amount_minor BIGINT NOT NULL,
  reason TEXT NOT NULL,
  told_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_stage_reductions PRIMARY KEY (event_id),
  CONSTRAINT ck_stage_reductions_amount_positive CHECK (amount_minor > 0),
  CONSTRAINT fk_stage_reductions_event_id_events FOREIGN KEY(event_id) REFERENCES events (id),
  CONSTRAINT fk_stage_reductions_stage_id_trade_stages FOREIGN KEY(stage_id) REFERENCES trade_stages (id),
  CONSTRAINT fk_stage_reductions_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id)
);

CREATE INDEX ix_stage_reductions_stage_id ON stage_reductions (stage_id);

CREATE TRIGGER stage_reductions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stage_reductions FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE job_results (
  job_id UUID NOT NULL,
  place BIGINT NOT NULL,
  outcome VARCHAR(7) NOT NULL,
  object TEXT,
  code TEXT,
  "column" TEXT,
  message TEXT,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_job_results PRIMARY KEY (job_id, place),
  CONSTRAINT fk_job_results_job_id_job_items FOREIGN KEY(job_id, place) REFERENCES job_items (job_id, place),
  CONSTRAINT ck_job_results_object_unless_failed CHECK ((outcome = 'failed') = (object IS NULL)),
  CONSTRAINT ck_job_results_code_unless_done CHECK ((outcome = 'done') = (code IS NULL)),
  CONSTRAINT fk_job_results_job_id_jobs FOREIGN KEY(job_id) REFERENCES jobs (id),
  CONSTRAINT ck_job_results_outcome CHECK (outcome IN ('done', 'waiting', 'failed'))
);

CREATE TRIGGER job_results_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON job_results FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE onboardings (
  party_id UUID NOT NULL,
  invitation_id UUID NOT NULL,
  person_id UUID NOT NULL,
  certificate_id UUID NOT NULL,
  client_id UUID NOT NULL,
  size_class VARCHAR(11) NOT NULL,
  size_declared_on DATE NOT NULL,
  jws TEXT NOT NULL,
  admitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_onboardings PRIMARY KEY (party_id),
  CONSTRAINT fk_onboardings_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id),
  CONSTRAINT uq_onboardings_invitation_id UNIQUE (invitation_id),
  CONSTRAINT fk_onboardings_invitation_id_invitations FOREIGN KEY(invitation_id) REFERENCES invitations (id),
  CONSTRAINT fk_onboardings_person_id_persons FOREIGN KEY(person_id) REFERENCES persons (id),
  CONSTRAINT fk_onboardings_certificate_id_certificates FOREIGN KEY(certificate_id) REFERENCES certificates (id),
  CONSTRAINT fk_onboardings_client_id_oauth_clients FOREIGN KEY(client_id) REFERENCES oauth_clients (id),
  CONSTRAINT ck_onboardings_sizeclass CHECK (size_class IN ('large', 'medium', 'small', 'micro', 'public_body'))
);

CREATE TRIGGER onboardings_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON onboardings FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE payable_lines (
  id UUID NOT NULL,
  job_id UUID NOT NULL,
  place BIGINT NOT NULL,
  programme_id UUID NOT NULL,
  debtor_id UUID NOT NULL,
  supplier TEXT NOT NULL,
  supplier_name TEXT NOT NULL,
  line_no TEXT NOT NULL,
  invoices TEXT[] NOT NULL,
  currency TEXT NOT NULL,
  amount_minor BIGINT NOT NULL,
  contract_no TEXT,
  receipt_no TEXT,
  delivered_on DATE,
  due_on DATE NOT NULL,
  pay_to JSONB,
  state VARCHAR(9) NOT NULL,
  receivable_id UUID,
  code TEXT,
  message TEXT,
  uploaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
  changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_payable_lines PRIMARY KEY (id),
  CONSTRAINT fk_payable_lines_job_id_job_items FOREIGN KEY(job_id, place) REFERENCES job_items (job_id, place),
  CONSTRAINT ck_payable_lines_amount_positive CHECK (amount_minor > 0),
  CONSTRAINT ck_payable_lines_receivable_if_submitted CHECK ((state = 'SUBMITTED') = (receivable_id IS NOT NULL)),
  CONSTRAINT fk_payable_lines_programme_id_programmes FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_payable_lines_debtor_id_parties FOREIGN KEY(debtor_id) REFERENCES parties (id),
  CONSTRAINT ck_payable_lines_linestate CHECK (state IN ('WAITING', 'SUBMITTED', 'REFUSED', 'WITHDRAWN')),
  CONSTRAINT uq_payable_lines_receivable_id UNIQUE (receivable_id),
  CONSTRAINT fk_payable_lines_receivable_id_receivables FOREIGN KEY(receivable_id) REFERENCES receivables (id)
);

CREATE INDEX ix_payable_lines_debtor_id_id ON payable_lines (debtor_id, id);

CREATE INDEX ix_payable_lines_supplier ON payable_lines (supplier) WHERE state = 'WAITING';

CREATE UNIQUE INDEX uq_payable_lines_job_id_place ON payable_lines (job_id, place);

CREATE UNIQUE INDEX uq_payable_lines_waiting ON payable_lines (debtor_id, programme_id, supplier, line_no) WHERE state = 'WAITING';

CREATE FUNCTION guard_payable_lines_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('WAITING', 'REFUSED'), ('WAITING', 'SUBMITTED'), ('WAITING', 'WITHDRAWN')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'payable_lines: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER payable_lines_guard_state BEFORE UPDATE OF state ON payable_lines FOR EACH ROW EXECUTE FUNCTION guard_payable_lines_state();

CREATE FUNCTION only_settle_payable_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE settled text[] := ARRAY['state', 'receivable_id', 'code', 'message', 'changed_at'];
BEGIN
  IF TG_OP = 'DELETE' OR to_jsonb(NEW) - settled <> to_jsonb(OLD) - settled THEN
    RAISE EXCEPTION 'payable_lines: what was uploaded is never edited'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER payable_lines_only_settle BEFORE UPDATE OR DELETE ON payable_lines
  FOR EACH ROW EXECUTE FUNCTION only_settle_payable_line();

CREATE TABLE payment_order_lines (
  order_id UUID NOT NULL,
  receivable_id UUID NOT NULL,
  position BIGINT NOT NULL,
  amount_minor BIGINT NOT NULL,
  pay_to JSONB NOT NULL,
  CONSTRAINT pk_payment_order_lines PRIMARY KEY (order_id, receivable_id),
  CONSTRAINT ck_payment_order_lines_amount_positive CHECK (amount_minor > 0),
  CONSTRAINT fk_payment_order_lines_order_id_payment_orders FOREIGN KEY(order_id) REFERENCES payment_orders (id),
  CONSTRAINT fk_payment_order_lines_receivable_id_receivables FOREIGN KEY(receivable_id) REFERENCES receivables (id)
);

CREATE INDEX ix_payment_order_lines_receivable_id ON payment_order_lines (receivable_id);

CREATE TRIGGER payment_order_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_order_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE bank_entries (
  id UUID NOT NULL,
  report_id UUID NOT NULL,
  bank_id UUID NOT NULL,
  account TEXT NOT NULL,
  bank TEXT NOT NULL,
  reference TEXT NOT NULL,
  direction VARCHAR(4) NOT NULL,
  reversal BOOLEAN NOT NULL,
  amount_minor BIGINT NOT NULL,
  currency TEXT NOT NULL,
  booked_on DATE NOT NULL,
  end_to_end TEXT NOT NULL,
  remittance TEXT NOT NULL,
  other_name TEXT NOT NULL,
  other_account TEXT NOT NULL,
  other_bank TEXT NOT NULL,
  state VARCHAR(9) NOT NULL,
  problem TEXT,
  receivable_id UUID,
  assigned BOOLEAN DEFAULT false NOT NULL,
  corrections SMALLINT DEFAULT 0 NOT NULL,
  CONSTRAINT pk_bank_entries PRIMARY KEY (id),
  CONSTRAINT uq_bank_entries_bank_id_account_reference UNIQUE (bank_id, account, reference),
  CONSTRAINT fk_bank_entries_report_id_bank_reports FOREIGN KEY(report_id) REFERENCES bank_reports (id),
  CONSTRAINT fk_bank_entries_bank_id_parties FOREIGN KEY(bank_id) REFERENCES parties (id),
  CONSTRAINT ck_bank_entries_direction CHECK (direction IN ('CRDT', 'DBIT')),
  CONSTRAINT ck_bank_entries_entrystate CHECK (state IN ('RECORDED', 'UNMATCHED', 'NOTED')),
  CONSTRAINT fk_bank_entries_receivable_id_receivables FOREIGN KEY(receivable_id) REFERENCES receivables (id)
);

CREATE INDEX ix_bank_entries_bank_id_state_id ON bank_entries (bank_id, state, id);

CREATE INDEX ix_bank_entries_receivable_id ON bank_entries (receivable_id);

CREATE TABLE account_changes (
  id UUID NOT NULL,
  receivable_id UUID NOT NULL,
  version BIGINT NOT NULL,
  content JSONB NOT NULL,
  signers UUID[] NOT NULL,
  state VARCHAR(9) NOT NULL,
  proposed_by UUID NOT NULL,
  proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_by UUID,
  ended_because TEXT,
  signed UUID[] DEFAULT '{}' NOT NULL,
  authorizations BYTEA[] DEFAULT '{}' NOT NULL,
  CONSTRAINT pk_account_changes PRIMARY KEY (id),
  CONSTRAINT ck_account_changes_ended_by_somebody CHECK ((state = 'ENDED') = (ended_by IS NOT NULL) AND (ended_by IS NULL) = (ended_because IS NULL)),
  CONSTRAINT fk_account_changes_receivable_id_receivables FOREIGN KEY(receivable_id) REFERENCES receivables (id),
  CONSTRAINT ck_account_changes_changestate CHECK (state IN ('OPEN', 'DONE', 'ENDED', 'OVERTAKEN')),
  CONSTRAINT fk_account_changes_proposed_by_parties FOREIGN KEY(proposed_by) REFERENCES parties (id),
  CONSTRAINT fk_account_changes_ended_by_parties FOREIGN KEY(ended_by) REFERENCES parties (id)
);

CREATE INDEX ix_account_changes_signers ON account_changes USING gin (signers);

CREATE UNIQUE INDEX uq_account_changes_open ON account_changes (receivable_id) WHERE state = 'OPEN';

CREATE TABLE pledge_registrations (
  pledge_id UUID NOT NULL,
  reference TEXT NOT NULL,
  filing_sent_at TIMESTAMP WITH TIME ZONE,
  reg_no TEXT,
  registered_at TIMESTAMP WITH TIME ZONE,
  expires_on DATE,
  certificate BYTEA,
  cancellation_due_on DATE,
  cancellation_raised_at TIMESTAMP WITH TIME ZONE,
  cancellation_asked_at TIMESTAMP WITH TIME ZONE,
  cancelled_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_pledge_registrations PRIMARY KEY (pledge_id),
  CONSTRAINT fk_pledge_registrations_pledge_id_pledges FOREIGN KEY(pledge_id) REFERENCES pledges (id),
  CONSTRAINT uq_pledge_registrations_reference UNIQUE (reference),
  CONSTRAINT uq_pledge_registrations_reg_no UNIQUE (reg_no)
);

CREATE TABLE pledge_searches (
  id UUID NOT NULL,
  pledge_id UUID NOT NULL,
  step VARCHAR(6) NOT NULL,
  cert_no TEXT NOT NULL,
  searched_at TIMESTAMP WITH TIME ZONE NOT NULL,
  clean BOOLEAN NOT NULL,
  results_hash BYTEA NOT NULL,
  certificate BYTEA NOT NULL,
  CONSTRAINT pk_pledge_searches PRIMARY KEY (id),
  CONSTRAINT uq_pledge_searches_pledge_id_cert_no UNIQUE (pledge_id, cert_no),
  CONSTRAINT fk_pledge_searches_pledge_id_pledges FOREIGN KEY(pledge_id) REFERENCES pledges (id),
  CONSTRAINT ck_pledge_searches_searchstep CHECK (step IN ('before', 'after', 'review'))
);

CREATE TRIGGER pledge_searches_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pledge_searches FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE pledge_locks (
  pledge_id UUID NOT NULL,
  state VARCHAR(9) NOT NULL,
  since TIMESTAMP WITH TIME ZONE NOT NULL,
  attempts BIGINT DEFAULT '0' NOT NULL,
  transaction_id BIGINT,
  tokens BYTEA[],
  ticket_sha256 BYTEA,
  tx_hash BYTEA,
  expires_at TIMESTAMP WITH TIME ZONE,
  problem TEXT,
  CONSTRAINT pk_pledge_locks PRIMARY KEY (pledge_id),
  CONSTRAINT fk_pledge_locks_pledge_id_pledges FOREIGN KEY(pledge_id) REFERENCES pledges (id),
  CONSTRAINT ck_pledge_locks_lockstate CHECK (state IN ('none', 'sent', 'final', 'lost', 'unlocking'))
);

CREATE INDEX ix_pledge_locks_state ON pledge_locks (state, since);

CREATE FUNCTION guard_pledge_locks_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('none', 'sent'), ('none', 'unlocking'), ('sent', 'final'), ('sent', 'lost'), ('sent', 'none'), ('sent', 'unlocking'), ('final', 'lost'), ('final', 'none'), ('final', 'unlocking'), ('lost', 'final'), ('lost', 'none'), ('lost', 'sent'), ('lost', 'unlocking'), ('unlocking', 'none')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'pledge_locks: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER pledge_locks_guard_state BEFORE UPDATE OF state ON pledge_locks FOR EACH ROW EXECUTE FUNCTION guard_pledge_locks_state();

CREATE TABLE registry_filings (
  id UUID NOT NULL,
  pledge_id UUID NOT NULL,
  change VARCHAR(10) NOT NULL,
  reference TEXT NOT NULL,
  content JSONB NOT NULL,
  reason TEXT NOT NULL,
  asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  asked_by UUID,
  sent_at TIMESTAMP WITH TIME ZONE,
  number TEXT,
  registered_at TIMESTAMP WITH TIME ZONE,
  expires_on DATE,
  certificate BYTEA,
  problem TEXT,
  CONSTRAINT pk_registry_filings PRIMARY KEY (id),
  CONSTRAINT ck_registry_filings_taken_or_refused CHECK (number IS NULL OR problem IS NULL),
  CONSTRAINT ck_registry_filings_whole_when_taken CHECK ((number IS NULL) = (registered_at IS NULL) AND (number IS NULL) = (certificate IS NULL)),
  CONSTRAINT fk_registry_filings_pledge_id_pledges FOREIGN KEY(pledge_id) REFERENCES pledges (id),
  CONSTRAINT ck_registry_filings_change CHECK (change IN ('registered', 'amended', 'extended')),
  CONSTRAINT uq_registry_filings_reference UNIQUE (reference),
  CONSTRAINT fk_registry_filings_asked_by_oauth_clients FOREIGN KEY(asked_by) REFERENCES oauth_clients (id),
  CONSTRAINT uq_registry_filings_number UNIQUE (number)
);

CREATE INDEX ix_registry_filings_pledge_id_id ON registry_filings (pledge_id, id);

CREATE UNIQUE INDEX uq_registry_filings_waiting ON registry_filings (pledge_id) WHERE number IS NULL AND problem IS NULL;

CREATE TABLE registry_papers (
  id UUID NOT NULL,
  pledge_id UUID NOT NULL,
  kind TEXT NOT NULL,
  number TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  sha256 BYTEA NOT NULL,
  content BYTEA NOT NULL,
  read JSONB NOT NULL,
  differences JSONB NOT NULL,
  taken BOOLEAN NOT NULL,
  handed_in_at TIMESTAMP WITH TIME ZONE NOT NULL,
  handed_in_by UUID NOT NULL,
  CONSTRAINT pk_registry_papers PRIMARY KEY (id),
  CONSTRAINT uq_registry_papers_pledge_id_sha256 UNIQUE (pledge_id, sha256),
  CONSTRAINT fk_registry_papers_pledge_id_pledges FOREIGN KEY(pledge_id) REFERENCES pledges (id),
  CONSTRAINT fk_registry_papers_handed_in_by_oauth_clients FOREIGN KEY(handed_in_by) REFERENCES oauth_clients (id)
);

CREATE TRIGGER registry_papers_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON registry_papers FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE registry_findings (
  pledge_id UUID NOT NULL,
  reg_no TEXT NOT NULL,
  registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ranks_before BOOLEAN NOT NULL,
  cert_no TEXT NOT NULL,
  step VARCHAR(6) NOT NULL,
  found_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_registry_findings PRIMARY KEY (pledge_id, reg_no),
  CONSTRAINT fk_registry_findings_pledge_id_pledges FOREIGN KEY(pledge_id) REFERENCES pledges (id),
  CONSTRAINT ck_registry_findings_searchstep CHECK (step IN ('before', 'after', 'review'))
);

CREATE TRIGGER registry_findings_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON registry_findings FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE registry_objections (
  pledge_id UUID NOT NULL,
  number TEXT NOT NULL,
  objected_at TIMESTAMP WITH TIME ZONE NOT NULL,
  objector TEXT NOT NULL,
  body TEXT NOT NULL,
  found_at TIMESTAMP WITH TIME ZONE NOT NULL,
  answer TEXT,
  answered_at TIMESTAMP WITH TIME ZONE,
  answered_by UUID,
  CONSTRAINT pk_registry_objections PRIMARY KEY (pledge_id, number),
  CONSTRAINT fk_registry_objections_pledge_id_pledges FOREIGN KEY(pledge_id) REFERENCES pledges (id),
  CONSTRAINT fk_registry_objections_answered_by_oauth_clients FOREIGN KEY(answered_by) REFERENCES oauth_clients (id)
);

CREATE TABLE payment_reversals (
  id UUID NOT NULL,
  payment_id UUID NOT NULL,
  bank_id UUID NOT NULL,
  receipt_no TEXT NOT NULL,
  amount_minor BIGINT NOT NULL,
  reversed_on DATE NOT NULL,
  event_id UUID NOT NULL,
  reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_payment_reversals PRIMARY KEY (id),
  CONSTRAINT uq_payment_reversals_bank_id_receipt_no UNIQUE (bank_id, receipt_no),
  CONSTRAINT ck_payment_reversals_amount_positive CHECK (amount_minor > 0),
  CONSTRAINT fk_payment_reversals_payment_id_receivable_payments FOREIGN KEY(payment_id) REFERENCES receivable_payments (id),
  CONSTRAINT fk_payment_reversals_bank_id_parties FOREIGN KEY(bank_id) REFERENCES parties (id),
  CONSTRAINT fk_payment_reversals_event_id_events FOREIGN KEY(event_id) REFERENCES events (id)
);

CREATE INDEX ix_payment_reversals_payment_id ON payment_reversals (payment_id);

CREATE TRIGGER payment_reversals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_reversals FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE debtor_notices (
  pledge_id UUID NOT NULL,
  purpose VARCHAR(8) DEFAULT 'taken' NOT NULL,
  pledge_event BYTEA NOT NULL,
  pledgor_id UUID NOT NULL,
  pledgee_id UUID NOT NULL,
  debtor_id UUID NOT NULL,
  receivable_event BYTEA NOT NULL,
  currency TEXT NOT NULL,
  amount_minor BIGINT NOT NULL,
  pay_to JSONB NOT NULL,
  reg_no TEXT NOT NULL,
  state VARCHAR(12) NOT NULL,
  reason TEXT,
  trigger TEXT,
  prepared_at TIMESTAMP WITH TIME ZONE,
  signed_at TIMESTAMP WITH TIME ZONE,
  issued_by UUID,
  issued_at TIMESTAMP WITH TIME ZONE,
  delivered_at TIMESTAMP WITH TIME ZONE,
  read_at TIMESTAMP WITH TIME ZONE,
  acknowledged_at TIMESTAMP WITH TIME ZONE,
  replaced_at TIMESTAMP WITH TIME ZONE,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  signed UUID[] DEFAULT '{}' NOT NULL,
  authorizations BYTEA[] DEFAULT '{}' NOT NULL,
  CONSTRAINT pk_debtor_notices PRIMARY KEY (id),
  CONSTRAINT ck_debtor_notices_amount_positive CHECK (amount_minor > 0),
  CONSTRAINT ck_debtor_notices_times_of_its_state CHECK ((state IN ('PREPARED', 'SIGNED')) = (issued_at IS NULL) AND (issued_at IS NULL) = (issued_by IS NULL) AND (state IN ('DELIVERED', 'READ', 'ACKNOWLEDGED')) = (delivered_at IS NOT NULL) AND (state IN ('READ', 'ACKNOWLEDGED')) = (read_at IS NOT NULL) AND (state = 'ACKNOWLEDGED') = (acknowledged_at IS NOT NULL)),
  CONSTRAINT ck_debtor_notices_reason_of_release CHECK ((purpose = 'released') = (reason IS NOT NULL)),
  CONSTRAINT fk_debtor_notices_pledge_id_pledges FOREIGN KEY(pledge_id) REFERENCES pledges (id),
  CONSTRAINT ck_debtor_notices_purpose CHECK (purpose IN ('taken', 'released')),
  CONSTRAINT fk_debtor_notices_pledgor_id_parties FOREIGN KEY(pledgor_id) REFERENCES parties (id),
  CONSTRAINT fk_debtor_notices_pledgee_id_parties FOREIGN KEY(pledgee_id) REFERENCES parties (id),
  CONSTRAINT fk_debtor_notices_debtor_id_parties FOREIGN KEY(debtor_id) REFERENCES parties (id),
  CONSTRAINT ck_debtor_notices_noticestate CHECK (state IN ('PREPARED', 'SIGNED', 'ISSUED', 'DELIVERED', 'READ', 'ACKNOWLEDGED')),
  CONSTRAINT fk_debtor_notices_issued_by_parties FOREIGN KEY(issued_by) REFERENCES parties (id)
);

CREATE INDEX ix_debtor_notices_debtor_id_id ON debtor_notices (debtor_id, id);

CREATE INDEX ix_debtor_notices_pledge_id ON debtor_notices (pledge_id);

CREATE INDEX ix_debtor_notices_pledgee_id_id ON debtor_notices (pledgee_id, id);

CREATE INDEX ix_debtor_notices_pledgor_id_id ON debtor_notices (pledgor_id, id);

CREATE UNIQUE INDEX uq_debtor_notices_current ON debtor_notices (pledge_id, purpose) WHERE replaced_at IS NULL;

CREATE FUNCTION guard_debtor_notices_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('PREPARED', 'SIGNED'), ('SIGNED', 'ISSUED'), ('ISSUED', 'DELIVERED'), ('DELIVERED', 'READ'), ('READ', 'ACKNOWLEDGED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'debtor_notices: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER debtor_notices_guard_state BEFORE UPDATE OF state ON debtor_notices FOR EACH ROW EXECUTE FUNCTION guard_debtor_notices_state();

CREATE TABLE confirmation_moments (
  id UUID NOT NULL,
  request_id UUID NOT NULL,
  kind VARCHAR(15) NOT NULL,
  day BIGINT NOT NULL,
  due_on DATE NOT NULL,
  actor_id UUID,
  reason TEXT,
  upheld BOOLEAN,
  recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_confirmation_moments PRIMARY KEY (id),
  CONSTRAINT ck_confirmation_moments_day_not_negative CHECK (day >= 0),
  CONSTRAINT ck_confirmation_moments_decided_either_way CHECK ((kind = 'DECIDED') = (upheld IS NOT NULL)),
  CONSTRAINT fk_confirmation_moments_request_id_confirmation_requests FOREIGN KEY(request_id) REFERENCES confirmation_requests (id),
  CONSTRAINT ck_confirmation_moments_momentkind CHECK (kind IN ('REMINDER', 'CONFIRM_OVERDUE', 'DELIVERED', 'READ', 'ESCALATED', 'CONTESTED', 'DECIDED', 'WITHDRAWN')),
  CONSTRAINT fk_confirmation_moments_actor_id_parties FOREIGN KEY(actor_id) REFERENCES parties (id)
);

CREATE UNIQUE INDEX uq_confirmation_moments_kind_day ON confirmation_moments (request_id, kind, day);

CREATE UNIQUE INDEX uq_confirmation_moments_once ON confirmation_moments (request_id, kind) WHERE kind <> 'REMINDER';

CREATE TRIGGER confirmation_moments_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON confirmation_moments FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE confirmation_letters (
  request_id UUID NOT NULL,
  content BYTEA NOT NULL,
  sha256 BYTEA NOT NULL,
  written_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_confirmation_letters PRIMARY KEY (request_id),
  CONSTRAINT ck_confirmation_letters_sha256_length CHECK (octet_length(sha256) = 32),
  CONSTRAINT fk_confirmation_letters_request_id_confirmation_requests FOREIGN KEY(request_id) REFERENCES confirmation_requests (id)
);

CREATE TRIGGER confirmation_letters_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON confirmation_letters FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE financings (
  borrower_id UUID NOT NULL,
  lender_id UUID NOT NULL,
  receivable_id UUID NOT NULL,
  receivable_event BYTEA NOT NULL,
  currency TEXT NOT NULL,
  requested_minor BIGINT NOT NULL,
  requested_days BIGINT NOT NULL,
  amount_minor BIGINT,
  rate TEXT,
  day_count TEXT,
  days BIGINT,
  starts_on DATE,
  due_on DATE,
  contract_sha256 BYTEA,
  security JSONB,
  trade JSONB,
  offer_authorizations BYTEA[] DEFAULT '{}' NOT NULL,
  reason TEXT,
  pledge_id UUID,
  disbursed_on DATE,
  repaid_minor BIGINT DEFAULT '0' NOT NULL,
  repaid_on DATE,
  state VARCHAR(10) NOT NULL,
  state_since TIMESTAMP WITH TIME ZONE NOT NULL,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  CONSTRAINT pk_financings PRIMARY KEY (id),
  CONSTRAINT ck_financings_request_positive CHECK (requested_minor > 0 AND requested_days > 0),
  CONSTRAINT ck_financings_terms_with_contract CHECK ((contract_sha256 IS NULL) = (amount_minor IS NULL)),
  CONSTRAINT ck_financings_disbursed_on_a_day CHECK (state NOT IN ('DISBURSED', 'REPAID', 'CLOSED') OR disbursed_on IS NOT NULL),
  CONSTRAINT fk_financings_borrower_id_parties FOREIGN KEY(borrower_id) REFERENCES parties (id),
  CONSTRAINT fk_financings_lender_id_parties FOREIGN KEY(lender_id) REFERENCES parties (id),
  CONSTRAINT fk_financings_receivable_id_receivables FOREIGN KEY(receivable_id) REFERENCES receivables (id),
  CONSTRAINT uq_financings_pledge_id UNIQUE (pledge_id),
  CONSTRAINT fk_financings_pledge_id_pledges FOREIGN KEY(pledge_id) REFERENCES pledges (id),
  CONSTRAINT ck_financings_state CHECK (state IN ('REQUESTED', 'APPROVED', 'REFUSED', 'CONTRACTED', 'DISBURSED', 'REPAID', 'CLOSED'))
);

CREATE INDEX ix_financings_borrower_id_id ON financings (borrower_id, id);

CREATE INDEX ix_financings_lender_id_id ON financings (lender_id, id);

CREATE UNIQUE INDEX uq_financings_open ON financings (receivable_id, lender_id) WHERE state NOT IN ('REFUSED', 'CLOSED');

CREATE FUNCTION guard_financings_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('REQUESTED', 'APPROVED'), ('REQUESTED', 'REFUSED'), ('APPROVED', 'CONTRACTED'), ('APPROVED', 'REFUSED'), ('CONTRACTED', 'DISBURSED'), ('CONTRACTED', 'REFUSED'), ('DISBURSED', 'REPAID'), ('REPAID', 'CLOSED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'financings: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER financings_guard_state BEFORE UPDATE OF state ON financings FOR EACH ROW EXECUTE FUNCTION guard_financings_state();

CREATE TABLE approval_cases (
  financing_id UUID NOT NULL,
  bank_id UUID NOT NULL,
  receivable_id UUID NOT NULL,
  policy_id UUID NOT NULL,
  currency TEXT NOT NULL,
  asked_minor BIGINT NOT NULL,
  asked_days BIGINT NOT NULL,
  state VARCHAR(13) NOT NULL,
  state_since TIMESTAMP WITH TIME ZONE NOT NULL,
  opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  CONSTRAINT pk_approval_cases PRIMARY KEY (id),
  CONSTRAINT uq_approval_cases_financing_id UNIQUE (financing_id),
  CONSTRAINT fk_approval_cases_financing_id_financings FOREIGN KEY(financing_id) REFERENCES financings (id),
  CONSTRAINT fk_approval_cases_bank_id_parties FOREIGN KEY(bank_id) REFERENCES parties (id),
  CONSTRAINT fk_approval_cases_receivable_id_receivables FOREIGN KEY(receivable_id) REFERENCES receivables (id),
  CONSTRAINT fk_approval_cases_policy_id_approval_policies FOREIGN KEY(policy_id) REFERENCES approval_policies (id),
  CONSTRAINT ck_approval_cases_state CHECK (state IN ('INVESTIGATING', 'REVIEWING', 'DECIDING', 'APPROVED', 'REJECTED', 'OFFERED', 'CLEARED', 'LENT', 'CLOSED', 'ENDED'))
);

CREATE INDEX ix_approval_cases_bank_id_id ON approval_cases (bank_id, id);

CREATE FUNCTION guard_approval_cases_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('INVESTIGATING', 'APPROVED'), ('INVESTIGATING', 'DECIDING'), ('INVESTIGATING', 'ENDED'), ('INVESTIGATING', 'REVIEWING'), ('REVIEWING', 'APPROVED'), ('REVIEWING', 'DECIDING'), ('REVIEWING', 'ENDED'), ('REVIEWING', 'INVESTIGATING'), ('DECIDING', 'APPROVED'), ('DECIDING', 'ENDED'), ('DECIDING', 'INVESTIGATING'), ('DECIDING', 'REJECTED'), ('DECIDING', 'REVIEWING'), ('APPROVED', 'DECIDING'), ('APPROVED', 'ENDED'), ('APPROVED', 'INVESTIGATING'), ('APPROVED', 'OFFERED'), ('APPROVED', 'REVIEWING'), ('REJECTED', 'DECIDING'), ('REJECTED', 'ENDED'), ('REJECTED', 'INVESTIGATING'), ('REJECTED', 'REVIEWING'), ('OFFERED', 'CLEARED'), ('OFFERED', 'ENDED'), ('OFFERED', 'LENT'), ('CLEARED', 'ENDED'), ('CLEARED', 'LENT'), ('CLEARED', 'OFFERED'), ('LENT', 'CLOSED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'approval_cases: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER approval_cases_guard_state BEFORE UPDATE OF state ON approval_cases FOR EACH ROW EXECUTE FUNCTION guard_approval_cases_state();

CREATE TABLE contracts (
  sha256 BYTEA NOT NULL,
  financing_id UUID NOT NULL,
  body BYTEA NOT NULL,
  CONSTRAINT pk_contracts PRIMARY KEY (sha256),
  CONSTRAINT fk_contracts_financing_id_financings FOREIGN KEY(financing_id) REFERENCES financings (id)
);

CREATE INDEX ix_contracts_financing_id ON contracts (financing_id);

CREATE TRIGGER contracts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contracts FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE financing_receipts (
  id UUID NOT NULL,
  financing_id UUID NOT NULL,
  lender_id UUID NOT NULL,
  kind VARCHAR(12) NOT NULL,
  receipt_no TEXT NOT NULL,
  receipt_on DATE NOT NULL,
  amount_minor BIGINT NOT NULL,
  principal_minor BIGINT NOT NULL,
  interest_minor BIGINT NOT NULL,
  event_id UUID NOT NULL,
  reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_financing_receipts PRIMARY KEY (id),
  CONSTRAINT uq_financing_receipts_lender_id_receipt_no UNIQUE (lender_id, receipt_no),
  CONSTRAINT ck_financing_receipts_parts_add_up CHECK (amount_minor > 0 AND amount_minor = principal_minor + interest_minor AND least(principal_minor, interest_minor) >= 0),
  CONSTRAINT fk_financing_receipts_financing_id_financings FOREIGN KEY(financing_id) REFERENCES financings (id),
  CONSTRAINT fk_financing_receipts_lender_id_parties FOREIGN KEY(lender_id) REFERENCES parties (id),
  CONSTRAINT ck_financing_receipts_receiptkind CHECK (kind IN ('disbursement', 'repayment')),
  CONSTRAINT fk_financing_receipts_event_id_events FOREIGN KEY(event_id) REFERENCES events (id)
);

CREATE INDEX ix_financing_receipts_financing_id ON financing_receipts (financing_id);

CREATE UNIQUE INDEX uq_financing_receipts_disbursement ON financing_receipts (financing_id) WHERE kind = 'disbursement';

CREATE TRIGGER financing_receipts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON financing_receipts FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE financing_searches (
  id UUID NOT NULL,
  financing_id UUID NOT NULL,
  cert_no TEXT NOT NULL,
  searched_at TIMESTAMP WITH TIME ZONE NOT NULL,
  results_hash BYTEA NOT NULL,
  certificate BYTEA NOT NULL,
  CONSTRAINT pk_financing_searches PRIMARY KEY (id),
  CONSTRAINT fk_financing_searches_financing_id_financings FOREIGN KEY(financing_id) REFERENCES financings (id),
  CONSTRAINT uq_financing_searches_cert_no UNIQUE (cert_no)
);

CREATE INDEX ix_financing_searches_financing_id ON financing_searches (financing_id);

CREATE TRIGGER financing_searches_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON financing_searches FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE financing_ranks (
  id UUID NOT NULL,
  financing_id UUID NOT NULL,
  step VARCHAR(12) NOT NULL,
  stated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  search_no TEXT,
  own TEXT NOT NULL,
  claims JSONB NOT NULL,
  ranks JSONB NOT NULL,
  CONSTRAINT pk_financing_ranks PRIMARY KEY (id),
  CONSTRAINT fk_financing_ranks_financing_id_financings FOREIGN KEY(financing_id) REFERENCES financings (id),
  CONSTRAINT ck_financing_ranks_rankstep CHECK (step IN ('offer', 'disbursement'))
);

CREATE INDEX ix_financing_ranks_financing_id ON financing_ranks (financing_id);

CREATE TRIGGER financing_ranks_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON financing_ranks FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE dossier_downloads (
  id UUID NOT NULL,
  financing_id UUID NOT NULL,
  party_id UUID NOT NULL,
  client_id UUID NOT NULL,
  sha256 BYTEA NOT NULL,
  size BIGINT NOT NULL,
  downloaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_dossier_downloads PRIMARY KEY (id),
  CONSTRAINT ck_dossier_downloads_not_empty CHECK (size > 0),
  CONSTRAINT fk_dossier_downloads_financing_id_financings FOREIGN KEY(financing_id) REFERENCES financings (id),
  CONSTRAINT fk_dossier_downloads_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id),
  CONSTRAINT fk_dossier_downloads_client_id_oauth_clients FOREIGN KEY(client_id) REFERENCES oauth_clients (id)
);

CREATE INDEX ix_dossier_downloads_financing_id_id ON dossier_downloads (financing_id, id);

CREATE TRIGGER dossier_downloads_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dossier_downloads FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE loan_extensions (
  id UUID NOT NULL,
  financing_id UUID NOT NULL,
  due_on_before DATE NOT NULL,
  due_on DATE NOT NULL,
  reason TEXT NOT NULL,
  content JSONB NOT NULL,
  pledge_version BIGINT NOT NULL,
  signed UUID[] DEFAULT '{}' NOT NULL,
  authorizations BYTEA[] DEFAULT '{}' NOT NULL,
  state VARCHAR(5) NOT NULL,
  ended_reason TEXT,
  asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  closed_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_loan_extensions PRIMARY KEY (id),
  CONSTRAINT ck_loan_extensions_later CHECK (due_on > due_on_before),
  CONSTRAINT fk_loan_extensions_financing_id_financings FOREIGN KEY(financing_id) REFERENCES financings (id),
  CONSTRAINT ck_loan_extensions_extensionstate CHECK (state IN ('OPEN', 'DONE', 'ENDED'))
);

CREATE INDEX ix_loan_extensions_financing_id ON loan_extensions (financing_id);

CREATE UNIQUE INDEX uq_loan_extensions_open ON loan_extensions (financing_id) WHERE state = 'OPEN';

CREATE FUNCTION guard_loan_extensions_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('OPEN', 'DONE'), ('OPEN', 'ENDED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'loan_extensions: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER loan_extensions_guard_state BEFORE UPDATE OF state ON loan_extensions FOR EACH ROW EXECUTE FUNCTION guard_loan_extensions_state();

CREATE TABLE approval_records (
  id UUID NOT NULL,
  case_id UUID NOT NULL,
  seq BIGINT NOT NULL,
  kind VARCHAR(17) NOT NULL,
  state VARCHAR(13) NOT NULL,
  person_id UUID,
  mandate_id UUID,
  inputs JSONB NOT NULL,
  sha256 BYTEA NOT NULL,
  event_id UUID NOT NULL,
  recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_approval_records PRIMARY KEY (id),
  CONSTRAINT uq_approval_records_case_id_seq UNIQUE (case_id, seq),
  CONSTRAINT ck_approval_records_hand_with_mandate CHECK ((person_id IS NULL) = (mandate_id IS NULL)),
  CONSTRAINT fk_approval_records_case_id_approval_cases FOREIGN KEY(case_id) REFERENCES approval_cases (id),
  CONSTRAINT ck_approval_records_kind CHECK (kind IN ('investigated', 'reviewed', 'voted', 'decided', 'returned', 'payment_planned', 'ticked', 'cleared', 'reopened', 'use_shown', 'checked', 'grade_proposed', 'graded', 'extension_decided', 'opened', 'offered', 'lent', 'extended', 'finished')),
  CONSTRAINT ck_approval_records_state CHECK (state IN ('INVESTIGATING', 'REVIEWING', 'DECIDING', 'APPROVED', 'REJECTED', 'OFFERED', 'CLEARED', 'LENT', 'CLOSED', 'ENDED')),
  CONSTRAINT fk_approval_records_person_id_persons FOREIGN KEY(person_id) REFERENCES persons (id),
  CONSTRAINT fk_approval_records_mandate_id_mandates FOREIGN KEY(mandate_id) REFERENCES mandates (id),
  CONSTRAINT uq_approval_records_event_id UNIQUE (event_id),
  CONSTRAINT fk_approval_records_event_id_events FOREIGN KEY(event_id) REFERENCES events (id)
);

CREATE TRIGGER approval_records_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval_records FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
