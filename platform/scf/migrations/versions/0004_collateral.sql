-- Prices, control agreements over pledged stock, marks and margin calls.
CREATE TABLE control_agreements (
	pledgor_id UUID NOT NULL,
	pledgee_id UUID NOT NULL,
	supervisor_id UUID NOT NULL,
	contract_sha256 BYTEA NOT NULL,
	kind VARCHAR(8) NOT NULL,
	currency TEXT NOT NULL,
	advance_bps BIGINT NOT NULL,
	warning_bps BIGINT NOT NULL,
	disposal_bps BIGINT NOT NULL,
	price_fall_bps BIGINT,
	stale_bps BIGINT NOT NULL,
	stale_days BIGINT NOT NULL,
	cure_days BIGINT NOT NULL,
	notice_days BIGINT NOT NULL,
	floor_minor BIGINT,
	insured BOOLEAN NOT NULL,
	goods JSONB NOT NULL,
	content JSONB NOT NULL,
	state VARCHAR(8) NOT NULL,
	state_since TIMESTAMP WITH TIME ZONE NOT NULL,
	proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	debt_id UUID,
	mark_id UUID,
	marked_on DATE,
	id UUID NOT NULL,
	version BIGINT NOT NULL,
	secret BYTEA NOT NULL,
	head_hash BYTEA,
	signed UUID[] DEFAULT '{}' NOT NULL,
	authorizations BYTEA[] DEFAULT '{}' NOT NULL,
	CONSTRAINT pk_control_agreements PRIMARY KEY (id),
	CONSTRAINT ck_control_agreements_lines_in_order CHECK (0 < advance_bps AND advance_bps < disposal_bps AND disposal_bps <= 10000 AND warning_bps BETWEEN 0 AND 10000),
	CONSTRAINT ck_control_agreements_floor_positive CHECK (floor_minor > 0),
	CONSTRAINT ck_control_agreements_days_count CHECK (least(cure_days, notice_days, stale_days) >= 0),
	CONSTRAINT fk_control_agreements_pledgor_id_parties FOREIGN KEY(pledgor_id) REFERENCES parties (id),
	CONSTRAINT fk_control_agreements_pledgee_id_parties FOREIGN KEY(pledgee_id) REFERENCES parties (id),
	CONSTRAINT fk_control_agreements_supervisor_id_parties FOREIGN KEY(supervisor_id) REFERENCES parties (id),
	CONSTRAINT ck_control_agreements_pledgekind CHECK (kind IN ('static', 'floating')),
	CONSTRAINT ck_control_agreements_state CHECK (state IN ('PROPOSED', 'AGREED', 'ENDED'))
);

CREATE UNIQUE INDEX uq_control_agreements_contract ON control_agreements (pledgee_id, contract_sha256) WHERE state <> 'ENDED';

CREATE INDEX ix_control_agreements_pledgor_id_id ON control_agreements (pledgor_id, id);

CREATE INDEX ix_control_agreements_unmarked ON control_agreements (marked_on, id) WHERE state = 'AGREED';

CREATE INDEX ix_control_agreements_pledgee_id_id ON control_agreements (pledgee_id, id);

CREATE INDEX ix_control_agreements_supervisor_id_id ON control_agreements (supervisor_id, id);

CREATE FUNCTION guard_control_agreements_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('PROPOSED', 'AGREED'), ('PROPOSED', 'ENDED'), ('AGREED', 'ENDED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'control_agreements: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER control_agreements_guard_state BEFORE UPDATE OF state ON control_agreements FOR EACH ROW EXECUTE FUNCTION guard_control_agreements_state();

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

CREATE TABLE control_debts (
	id UUID NOT NULL,
	agreement_id UUID NOT NULL,
	event_id UUID NOT NULL,
	as_of_on DATE NOT NULL,
	principal_minor BIGINT NOT NULL,
	interest_minor BIGINT NOT NULL,
	reserve_minor BIGINT NOT NULL,
	rate TEXT NOT NULL,
	receipt_no TEXT,
	stated_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_control_debts PRIMARY KEY (id),
	CONSTRAINT ck_control_debts_not_negative CHECK (least(principal_minor, interest_minor, reserve_minor) >= 0),
	CONSTRAINT fk_control_debts_agreement_id_control_agreements FOREIGN KEY(agreement_id) REFERENCES control_agreements (id),
	CONSTRAINT fk_control_debts_event_id_events FOREIGN KEY(event_id) REFERENCES events (id)
);

CREATE INDEX ix_control_debts_agreement_id_id ON control_debts (agreement_id, id);

CREATE TRIGGER control_debts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON control_debts FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE control_insurances (
	id UUID NOT NULL,
	agreement_id UUID NOT NULL,
	event_id UUID NOT NULL,
	insurer TEXT NOT NULL,
	policy TEXT NOT NULL,
	amount_minor BIGINT NOT NULL,
	first_on DATE NOT NULL,
	last_on DATE NOT NULL,
	told_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_control_insurances PRIMARY KEY (id),
	CONSTRAINT ck_control_insurances_covers_something CHECK (amount_minor > 0 AND first_on <= last_on),
	CONSTRAINT fk_control_insurances_agreement_id_control_agreements FOREIGN KEY(agreement_id) REFERENCES control_agreements (id),
	CONSTRAINT fk_control_insurances_event_id_events FOREIGN KEY(event_id) REFERENCES events (id)
);

CREATE INDEX ix_control_insurances_agreement_id_id ON control_insurances (agreement_id, id);

CREATE TRIGGER control_insurances_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON control_insurances FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE control_notices (
	id UUID NOT NULL,
	agreement_id UUID NOT NULL,
	keeper_id UUID NOT NULL,
	version BIGINT NOT NULL,
	content JSONB NOT NULL,
	pledges UUID[] NOT NULL,
	drawn_at TIMESTAMP WITH TIME ZONE NOT NULL,
	acknowledged_at TIMESTAMP WITH TIME ZONE,
	event_hash BYTEA,
	signed UUID[] DEFAULT '{}' NOT NULL,
	authorizations BYTEA[] DEFAULT '{}' NOT NULL,
	CONSTRAINT pk_control_notices PRIMARY KEY (id),
	CONSTRAINT fk_control_notices_agreement_id_control_agreements FOREIGN KEY(agreement_id) REFERENCES control_agreements (id),
	CONSTRAINT fk_control_notices_keeper_id_parties FOREIGN KEY(keeper_id) REFERENCES parties (id)
);

CREATE UNIQUE INDEX uq_control_notices_open ON control_notices (agreement_id, keeper_id) WHERE acknowledged_at IS NULL;

CREATE INDEX ix_control_notices_agreement_id_id ON control_notices (agreement_id, id);

CREATE TABLE marks (
	id UUID NOT NULL,
	agreement_id UUID NOT NULL,
	marked_on DATE NOT NULL,
	marked_at TIMESTAMP WITH TIME ZONE NOT NULL,
	debt_id UUID NOT NULL,
	value_minor BIGINT NOT NULL,
	exposure_minor BIGINT NOT NULL,
	floor_minor BIGINT NOT NULL,
	warning_minor BIGINT NOT NULL,
	disposal_minor BIGINT NOT NULL,
	goods_due_minor BIGINT NOT NULL,
	cash_due_minor BIGINT NOT NULL,
	fell BOOLEAN NOT NULL,
	stale BOOLEAN NOT NULL,
	line VARCHAR(8) NOT NULL,
	CONSTRAINT pk_marks PRIMARY KEY (id),
	CONSTRAINT ck_marks_not_negative CHECK (value_minor >= 0 AND exposure_minor >= 0),
	CONSTRAINT fk_marks_agreement_id_control_agreements FOREIGN KEY(agreement_id) REFERENCES control_agreements (id),
	CONSTRAINT fk_marks_debt_id_control_debts FOREIGN KEY(debt_id) REFERENCES control_debts (id),
	CONSTRAINT ck_marks_line CHECK (line IN ('clear', 'warning', 'top_up', 'disposal'))
);

CREATE INDEX ix_marks_agreement_id_id ON marks (agreement_id, id);

CREATE TRIGGER marks_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON marks FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

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

CREATE TABLE controlled_pledges (
	agreement_id UUID NOT NULL,
	pledge_id UUID NOT NULL,
	event_id UUID NOT NULL,
	keeper_id UUID NOT NULL,
	goods TEXT NOT NULL,
	warehouse TEXT NOT NULL,
	unit TEXT NOT NULL,
	series_id UUID NOT NULL,
	quality_bps BIGINT NOT NULL,
	liquidity_bps BIGINT NOT NULL,
	quantity_minor BIGINT NOT NULL,
	invoice_minor BIGINT,
	pledged_minor BIGINT NOT NULL,
	replaces_id UUID,
	covered_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_controlled_pledges PRIMARY KEY (agreement_id, pledge_id),
	CONSTRAINT ck_controlled_pledges_prices_positive CHECK (pledged_minor > 0 AND invoice_minor > 0),
	CONSTRAINT ck_controlled_pledges_quantity_positive CHECK (quantity_minor > 0),
	CONSTRAINT ck_controlled_pledges_replaces_another CHECK (replaces_id <> pledge_id),
	CONSTRAINT ck_controlled_pledges_haircuts_within_the_whole CHECK (quality_bps BETWEEN 0 AND 10000 AND liquidity_bps BETWEEN 0 AND 10000),
	CONSTRAINT fk_controlled_pledges_pledge_id_pledges FOREIGN KEY(pledge_id) REFERENCES pledges (id),
	CONSTRAINT fk_controlled_pledges_agreement_id_control_agreements FOREIGN KEY(agreement_id) REFERENCES control_agreements (id),
	CONSTRAINT fk_controlled_pledges_event_id_events FOREIGN KEY(event_id) REFERENCES events (id),
	CONSTRAINT fk_controlled_pledges_keeper_id_parties FOREIGN KEY(keeper_id) REFERENCES parties (id),
	CONSTRAINT fk_controlled_pledges_series_id_price_series FOREIGN KEY(series_id) REFERENCES price_series (id),
	CONSTRAINT fk_controlled_pledges_replaces FOREIGN KEY(agreement_id, replaces_id) REFERENCES controlled_pledges (agreement_id, pledge_id)
);

CREATE INDEX ix_controlled_pledges_pledge_id ON controlled_pledges (pledge_id);

CREATE TRIGGER controlled_pledges_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON controlled_pledges FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE margin_calls (
	agreement_id UUID NOT NULL,
	state VARCHAR(8) NOT NULL,
	state_since TIMESTAMP WITH TIME ZONE NOT NULL,
	raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
	mark_id UUID NOT NULL,
	goods_due_minor BIGINT NOT NULL,
	cash_due_minor BIGINT NOT NULL,
	due_on DATE,
	sale_from_on DATE,
	id UUID NOT NULL,
	version BIGINT NOT NULL,
	secret BYTEA NOT NULL,
	head_hash BYTEA,
	CONSTRAINT pk_margin_calls PRIMARY KEY (id),
	CONSTRAINT fk_margin_calls_agreement_id_control_agreements FOREIGN KEY(agreement_id) REFERENCES control_agreements (id),
	CONSTRAINT ck_margin_calls_stage CHECK (state IN ('WARNED', 'CALLED', 'BREACHED', 'NOTICED', 'SOLD', 'LIFTED', 'LAPSED', 'CURED', 'SETTLED')),
	CONSTRAINT fk_margin_calls_mark_id_marks FOREIGN KEY(mark_id) REFERENCES marks (id)
);

CREATE INDEX ix_margin_calls_agreement_id_id ON margin_calls (agreement_id, id);

CREATE UNIQUE INDEX uq_margin_calls_open ON margin_calls (agreement_id) WHERE state NOT IN ('LIFTED', 'LAPSED', 'CURED', 'SETTLED');

CREATE FUNCTION guard_margin_calls_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('WARNED', 'BREACHED'), ('WARNED', 'CALLED'), ('WARNED', 'LAPSED'), ('WARNED', 'LIFTED'), ('CALLED', 'BREACHED'), ('CALLED', 'CURED'), ('CALLED', 'LAPSED'), ('BREACHED', 'CURED'), ('BREACHED', 'LAPSED'), ('BREACHED', 'NOTICED'), ('NOTICED', 'CURED'), ('NOTICED', 'SOLD'), ('SOLD', 'SETTLED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'margin_calls: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER margin_calls_guard_state BEFORE UPDATE OF state ON margin_calls FOR EACH ROW EXECUTE FUNCTION guard_margin_calls_state();

CREATE TABLE mark_lines (
	mark_id UUID NOT NULL,
	pledge_id UUID NOT NULL,
	quantity_minor BIGINT NOT NULL,
	quoted_at TIMESTAMP WITH TIME ZONE NOT NULL,
	spot_minor BIGINT NOT NULL,
	average_minor BIGINT NOT NULL,
	stale BOOLEAN NOT NULL,
	value_minor BIGINT NOT NULL,
	CONSTRAINT pk_mark_lines PRIMARY KEY (mark_id, pledge_id),
	CONSTRAINT fk_mark_lines_mark_id_marks FOREIGN KEY(mark_id) REFERENCES marks (id),
	CONSTRAINT fk_mark_lines_pledge_id_pledges FOREIGN KEY(pledge_id) REFERENCES pledges (id)
);

CREATE TRIGGER mark_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON mark_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

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

CREATE TABLE disposals (
	call_id UUID NOT NULL,
	event_id UUID NOT NULL,
	sold_on DATE NOT NULL,
	buyer TEXT NOT NULL,
	manner TEXT NOT NULL,
	evidence TEXT NOT NULL,
	proceeds_minor BIGINT NOT NULL,
	market_minor BIGINT NOT NULL,
	owed_minor BIGINT NOT NULL,
	surplus_minor BIGINT NOT NULL,
	told_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_disposals PRIMARY KEY (call_id),
	CONSTRAINT ck_disposals_surplus_is_what_is_left CHECK (proceeds_minor > 0 AND owed_minor >= 0 AND surplus_minor = greatest(proceeds_minor - owed_minor, 0)),
	CONSTRAINT fk_disposals_call_id_margin_calls FOREIGN KEY(call_id) REFERENCES margin_calls (id),
	CONSTRAINT fk_disposals_event_id_events FOREIGN KEY(event_id) REFERENCES events (id)
);

CREATE TRIGGER disposals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON disposals FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

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

CREATE TABLE surplus_returns (
	call_id UUID NOT NULL,
	event_id UUID NOT NULL,
	receipt_no TEXT,
	returned_on DATE NOT NULL,
	told_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_surplus_returns PRIMARY KEY (call_id),
	CONSTRAINT fk_surplus_returns_call_id_disposals FOREIGN KEY(call_id) REFERENCES disposals (call_id),
	CONSTRAINT fk_surplus_returns_event_id_events FOREIGN KEY(event_id) REFERENCES events (id)
);

CREATE TRIGGER surplus_returns_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON surplus_returns FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

