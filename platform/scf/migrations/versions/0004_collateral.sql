-- Prices, control agreements over pledged stock, marks and margin calls.
CREATE TABLE price_series (
	owner_id UUID,
	commodity TEXT NOT NULL,
	unit TEXT NOT NULL,
	currency TEXT NOT NULL,
	source TEXT NOT NULL,
	way VARCHAR(6) NOT NULL,
	symbol TEXT,
	registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id UUID NOT NULL,
	version BIGINT NOT NULL,
	secret BYTEA NOT NULL,
	head_hash BYTEA,
	CONSTRAINT pk_price_series PRIMARY KEY (id),
	CONSTRAINT ck_price_series_symbol_where_read CHECK ((symbol IS NULL) = (way = 'manual')),
	CONSTRAINT ck_price_series_by_hand_has_an_owner CHECK (way <> 'manual' OR owner_id IS NOT NULL),
	CONSTRAINT fk_price_series_owner_id_parties FOREIGN KEY(owner_id) REFERENCES parties (id),
	CONSTRAINT ck_price_series_way CHECK (way IN ('file', 'http', 'manual'))
);

CREATE UNIQUE INDEX uq_price_series_source ON price_series (owner_id, commodity, unit, currency, source) NULLS NOT DISTINCT;

CREATE TABLE price_entries (
	id UUID NOT NULL,
	series_id UUID NOT NULL,
	quoted_at TIMESTAMP WITH TIME ZONE NOT NULL,
	minor BIGINT NOT NULL,
	evidence TEXT NOT NULL,
	reason TEXT,
	maker_id UUID NOT NULL,
	maker_mandate_id UUID NOT NULL,
	entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_price_entries PRIMARY KEY (id),
	CONSTRAINT ck_price_entries_price_positive CHECK (minor > 0),
	CONSTRAINT fk_price_entries_series_id_price_series FOREIGN KEY(series_id) REFERENCES price_series (id),
	CONSTRAINT fk_price_entries_maker_id_persons FOREIGN KEY(maker_id) REFERENCES persons (id),
	CONSTRAINT fk_price_entries_maker_mandate_id_mandates FOREIGN KEY(maker_mandate_id) REFERENCES mandates (id)
);

CREATE INDEX ix_price_entries_series_id_id ON price_entries (series_id, id);

CREATE TRIGGER price_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON price_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE price_batches (
	id UUID NOT NULL,
	series_id UUID NOT NULL,
	origin TEXT NOT NULL,
	original_sha256 BYTEA,
	reason TEXT,
	entry_id UUID,
	maker_id UUID,
	checker_id UUID,
	checker_mandate_id UUID,
	event_hash BYTEA NOT NULL,
	recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_price_batches PRIMARY KEY (id),
	CONSTRAINT ck_price_batches_two_people CHECK (checker_id <> maker_id),
	CONSTRAINT ck_price_batches_checked_by_hand CHECK ((entry_id IS NULL) = (checker_id IS NULL)),
	CONSTRAINT fk_price_batches_series_id_price_series FOREIGN KEY(series_id) REFERENCES price_series (id),
	CONSTRAINT uq_price_batches_entry_id UNIQUE (entry_id),
	CONSTRAINT fk_price_batches_entry_id_price_entries FOREIGN KEY(entry_id) REFERENCES price_entries (id),
	CONSTRAINT fk_price_batches_maker_id_persons FOREIGN KEY(maker_id) REFERENCES persons (id),
	CONSTRAINT fk_price_batches_checker_id_persons FOREIGN KEY(checker_id) REFERENCES persons (id),
	CONSTRAINT fk_price_batches_checker_mandate_id_mandates FOREIGN KEY(checker_mandate_id) REFERENCES mandates (id)
);

CREATE INDEX ix_price_batches_series_id_id ON price_batches (series_id, id);

CREATE TRIGGER price_batches_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON price_batches FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE prices (
	series_id UUID NOT NULL,
	quoted_at TIMESTAMP WITH TIME ZONE NOT NULL,
	revision BIGINT NOT NULL,
	quoted_on DATE NOT NULL,
	minor BIGINT NOT NULL,
	batch_id UUID NOT NULL,
	CONSTRAINT pk_prices PRIMARY KEY (series_id, quoted_at, revision),
	CONSTRAINT ck_prices_price_positive CHECK (minor > 0),
	CONSTRAINT ck_prices_revision_counts CHECK (revision >= 0),
	CONSTRAINT fk_prices_series_id_price_series FOREIGN KEY(series_id) REFERENCES price_series (id),
	CONSTRAINT fk_prices_batch_id_price_batches FOREIGN KEY(batch_id) REFERENCES price_batches (id)
);

CREATE INDEX ix_prices_batch_id ON prices (batch_id);

CREATE TRIGGER prices_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON prices FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

