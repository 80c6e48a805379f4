-- Devices, their readings by month, and stocktakes.

CREATE TABLE reading_batches (
	id UUID NOT NULL, 
	received_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	device_id UUID NOT NULL, 
	jws TEXT NOT NULL, 
	CONSTRAINT pk_reading_batches PRIMARY KEY (id, received_at)
)
 PARTITION BY RANGE (received_at);

CREATE TRIGGER reading_batches_append_only BEFORE UPDATE OR DELETE ON reading_batches FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();

CREATE TRIGGER reading_batches_kept BEFORE TRUNCATE ON reading_batches FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE reading_months (
	month DATE NOT NULL, 
	opened_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	dropped_at TIMESTAMP WITH TIME ZONE, 
	rule_version BIGINT, 
	CONSTRAINT pk_reading_months PRIMARY KEY (month), 
	CONSTRAINT ck_reading_months_first_day CHECK (extract(day FROM month) = 1), 
	CONSTRAINT ck_reading_months_dropped_under_a_rule CHECK (num_nulls(dropped_at, rule_version) IN (0, 2))
);

CREATE TABLE readings (
	device_id UUID NOT NULL, 
	measured_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	seq BIGINT NOT NULL, 
	value BIGINT, 
	latitude BIGINT, 
	longitude BIGINT, 
	closing SMALLINT NOT NULL, 
	batch_id UUID NOT NULL, 
	body BYTEA NOT NULL, 
	CONSTRAINT pk_readings PRIMARY KEY (device_id, measured_at, seq), 
	CONSTRAINT ck_readings_value_or_position CHECK ((value IS NULL) = (latitude IS NOT NULL AND longitude IS NOT NULL))
)
 PARTITION BY RANGE (measured_at);

CREATE TRIGGER readings_append_only BEFORE UPDATE OR DELETE ON readings FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();

CREATE TRIGGER readings_kept BEFORE TRUNCATE ON readings FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE FUNCTION guard_readings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM added GROUP BY device_id, seq HAVING count(*) > 1) OR EXISTS (
    SELECT FROM added a LEFT JOIN devices d ON d.id = a.device_id
      WHERE d.id IS NULL OR (a.seq <= d.last_seq AND NOT d.missing @> a.seq)
  ) THEN
    RAISE EXCEPTION 'a number of a device names one reading' USING ERRCODE = 'unique_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER readings_guard AFTER INSERT ON readings
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION guard_readings();

CREATE TABLE devices (
	keeper_id UUID NOT NULL, 
	owner_id UUID NOT NULL, 
	kind VARCHAR(7) NOT NULL, 
	serial TEXT NOT NULL, 
	warehouse TEXT NOT NULL, 
	location TEXT, 
	unit TEXT, 
	public_key TEXT NOT NULL, 
	key_sha256 BYTEA NOT NULL, 
	registered_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	last_seq BIGINT NOT NULL, 
	last_at TIMESTAMP WITH TIME ZONE, 
	heard_at TIMESTAMP WITH TIME ZONE, 
	missing INT8MULTIRANGE NOT NULL, 
	checked_seq BIGINT DEFAULT '0' NOT NULL, 
	silent_at TIMESTAMP WITH TIME ZONE, 
	id UUID NOT NULL, 
	version BIGINT NOT NULL, 
	secret BYTEA NOT NULL, 
	head_hash BYTEA, 
	revoked_at TIMESTAMP WITH TIME ZONE, 
	revocation_reason TEXT, 
	CONSTRAINT pk_devices PRIMARY KEY (id), 
	CONSTRAINT uq_devices_keeper_id_key_sha256 UNIQUE (keeper_id, key_sha256), 
	CONSTRAINT ck_devices_unit_of_what_is_measured CHECK ((kind = 'gps') = (unit IS NULL)), 
	CONSTRAINT ck_devices_last_seq_not_negative CHECK (last_seq >= 0), 
	CONSTRAINT fk_devices_keeper_id_parties FOREIGN KEY(keeper_id) REFERENCES parties (id), 
	CONSTRAINT fk_devices_owner_id_parties FOREIGN KEY(owner_id) REFERENCES parties (id), 
	CONSTRAINT ck_devices_devicekind CHECK (kind IN ('scale', 'counter', 'camera', 'gate', 'gps'))
);

CREATE INDEX ix_devices_keeper_id_warehouse ON devices (keeper_id, warehouse);

CREATE INDEX ix_devices_owner_id_id ON devices (owner_id, id);

CREATE FUNCTION guard_device() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.last_seq < OLD.last_seq OR NEW.public_key <> OLD.public_key OR (
    OLD.revoked_at IS NOT NULL AND NEW.last_seq > OLD.last_seq
  ) THEN
    RAISE EXCEPTION 'a device keeps its key and goes on counting' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER devices_guard BEFORE UPDATE ON devices FOR EACH ROW EXECUTE FUNCTION guard_device();

CREATE TABLE stocktakes (
	bank_id UUID NOT NULL, 
	supervisor_id UUID NOT NULL, 
	keeper_id UUID NOT NULL, 
	lots UUID[] NOT NULL, 
	draws BIGINT NOT NULL, 
	state VARCHAR(9) NOT NULL, 
	state_since TIMESTAMP WITH TIME ZONE NOT NULL, 
	due_at TIMESTAMP WITH TIME ZONE, 
	called_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	chain_id BIGINT, 
	height BIGINT, 
	block_hash BYTEA, 
	seed BYTEA, 
	drawn UUID[], 
	failed UUID[] DEFAULT '{}' NOT NULL, 
	id UUID NOT NULL, 
	version BIGINT NOT NULL, 
	secret BYTEA NOT NULL, 
	head_hash BYTEA, 
	CONSTRAINT pk_stocktakes PRIMARY KEY (id), 
	CONSTRAINT ck_stocktakes_draws_of_the_list CHECK (draws BETWEEN 1 AND cardinality(lots)), 
	CONSTRAINT ck_stocktakes_due_where_somebody_acts CHECK ((state IN ('CALLED', 'SEALED', 'DRAWN')) = (due_at IS NOT NULL)), 
	CONSTRAINT ck_stocktakes_drawn_by_seed CHECK ((drawn IS NULL) = (seed IS NULL)), 
	CONSTRAINT fk_stocktakes_bank_id_parties FOREIGN KEY(bank_id) REFERENCES parties (id), 
	CONSTRAINT fk_stocktakes_supervisor_id_parties FOREIGN KEY(supervisor_id) REFERENCES parties (id), 
	CONSTRAINT fk_stocktakes_keeper_id_parties FOREIGN KEY(keeper_id) REFERENCES parties (id), 
	CONSTRAINT ck_stocktakes_state CHECK (state IN ('CALLED', 'COMMITTED', 'ANNOUNCED', 'SEALED', 'DRAWN', 'DONE', 'FAILED'))
);

CREATE INDEX ix_stocktakes_bank_id_id ON stocktakes (bank_id, id);

CREATE INDEX ix_stocktakes_keeper_id_id ON stocktakes (keeper_id, id);

CREATE INDEX ix_stocktakes_supervisor_id_id ON stocktakes (supervisor_id, id);

CREATE INDEX ix_stocktakes_open ON stocktakes (id) WHERE state NOT IN ('DONE', 'FAILED');

CREATE FUNCTION guard_stocktakes_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('CALLED', 'COMMITTED'), ('CALLED', 'FAILED'), ('COMMITTED', 'ANNOUNCED'), ('ANNOUNCED', 'SEALED'), ('SEALED', 'ANNOUNCED'), ('SEALED', 'DRAWN'), ('SEALED', 'FAILED'), ('DRAWN', 'DONE'), ('DRAWN', 'FAILED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'stocktakes: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER stocktakes_guard_state BEFORE UPDATE OF state ON stocktakes FOR EACH ROW EXECUTE FUNCTION guard_stocktakes_state();

CREATE TABLE device_hours (
	device_id UUID NOT NULL, 
	hour_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	closings SMALLINT NOT NULL, 
	due_at TIMESTAMP WITH TIME ZONE, 
	id UUID NOT NULL, 
	version BIGINT NOT NULL, 
	secret BYTEA NOT NULL, 
	head_hash BYTEA, 
	CONSTRAINT pk_device_hours PRIMARY KEY (id), 
	CONSTRAINT uq_device_hours_device_id_hour_at UNIQUE (device_id, hour_at), 
	CONSTRAINT fk_device_hours_device_id_devices FOREIGN KEY(device_id) REFERENCES devices (id)
);

CREATE INDEX ix_device_hours_due_at ON device_hours (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE stocktake_sides (
	stocktake_id UUID NOT NULL, 
	party_id UUID NOT NULL, 
	commitment BYTEA NOT NULL, 
	committed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	salt BYTEA, 
	value BYTEA, 
	revealed_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_stocktake_sides PRIMARY KEY (stocktake_id, party_id), 
	CONSTRAINT ck_stocktake_sides_commitment_length CHECK (octet_length(commitment) = 32), 
	CONSTRAINT ck_stocktake_sides_opens_what_it_closed CHECK (num_nulls(salt, value, revealed_at) IN (0, 3) AND (salt IS NULL OR sha256(salt || value) = commitment)), 
	CONSTRAINT fk_stocktake_sides_stocktake_id_stocktakes FOREIGN KEY(stocktake_id) REFERENCES stocktakes (id), 
	CONSTRAINT fk_stocktake_sides_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id)
);

CREATE TABLE hour_closings (
	hour_id UUID NOT NULL, 
	number SMALLINT NOT NULL, 
	readings BIGINT NOT NULL, 
	first_seq BIGINT NOT NULL, 
	last_seq BIGINT NOT NULL, 
	root BYTEA NOT NULL, 
	event_id UUID NOT NULL, 
	closed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_hour_closings PRIMARY KEY (hour_id, number), 
	CONSTRAINT ck_hour_closings_root_length CHECK (octet_length(root) = 32), 
	CONSTRAINT ck_hour_closings_covers_something CHECK (readings > 0 AND first_seq <= last_seq), 
	CONSTRAINT fk_hour_closings_hour_id_device_hours FOREIGN KEY(hour_id) REFERENCES device_hours (id), 
	CONSTRAINT fk_hour_closings_event_id_events FOREIGN KEY(event_id) REFERENCES events (id)
);

CREATE TRIGGER hour_closings_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON hour_closings FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE stock_alarms (
	lot_id UUID NOT NULL, 
	source TEXT NOT NULL, 
	evidence TEXT NOT NULL, 
	unit TEXT NOT NULL, 
	book_minor BIGINT NOT NULL, 
	counted_minor BIGINT NOT NULL, 
	tolerance_minor BIGINT NOT NULL, 
	receipts UUID[] NOT NULL, 
	parties UUID[] NOT NULL, 
	raised_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	owners UUID[] DEFAULT '{}' NOT NULL, 
	holders UUID[] DEFAULT '{}' NOT NULL, 
	lift_reason TEXT, 
	lifted_at TIMESTAMP WITH TIME ZONE, 
	id UUID NOT NULL, 
	version BIGINT NOT NULL, 
	secret BYTEA NOT NULL, 
	head_hash BYTEA, 
	signed UUID[] DEFAULT '{}' NOT NULL, 
	authorizations BYTEA[] DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_stock_alarms PRIMARY KEY (id), 
	CONSTRAINT ck_stock_alarms_not_negative CHECK (least(book_minor, counted_minor, tolerance_minor) >= 0), 
	CONSTRAINT ck_stock_alarms_beyond CHECK (abs(counted_minor - book_minor) > tolerance_minor), 
	CONSTRAINT ck_stock_alarms_lifted_with_reason CHECK (lifted_at IS NULL OR lift_reason IS NOT NULL), 
	CONSTRAINT fk_stock_alarms_lot_id_lots FOREIGN KEY(lot_id) REFERENCES lots (id)
);

CREATE INDEX ix_stock_alarms_lot_id ON stock_alarms (lot_id);

CREATE INDEX ix_stock_alarms_parties ON stock_alarms USING gin (parties);

CREATE UNIQUE INDEX uq_stock_alarms_standing ON stock_alarms (lot_id, source) WHERE lifted_at IS NULL;

CREATE TABLE stock_checks (
	paper_event_id UUID NOT NULL, 
	lot_id UUID NOT NULL, 
	book_minor BIGINT NOT NULL, 
	counted_minor BIGINT NOT NULL, 
	tolerance_minor BIGINT NOT NULL, 
	checked_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_stock_checks PRIMARY KEY (paper_event_id), 
	CONSTRAINT fk_stock_checks_paper_event_id_events FOREIGN KEY(paper_event_id) REFERENCES events (id), 
	CONSTRAINT fk_stock_checks_lot_id_lots FOREIGN KEY(lot_id) REFERENCES lots (id)
);

CREATE INDEX ix_stock_checks_lot_id ON stock_checks (lot_id);

CREATE TRIGGER stock_checks_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_checks FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE stocktake_counts (
	stocktake_id UUID NOT NULL, 
	lot_id UUID NOT NULL, 
	event_id UUID NOT NULL, 
	paper_number TEXT NOT NULL, 
	book_minor BIGINT NOT NULL, 
	counted_minor BIGINT NOT NULL, 
	tolerance_minor BIGINT NOT NULL, 
	counted_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_stocktake_counts PRIMARY KEY (stocktake_id, lot_id), 
	CONSTRAINT fk_stocktake_counts_stocktake_id_stocktakes FOREIGN KEY(stocktake_id) REFERENCES stocktakes (id), 
	CONSTRAINT fk_stocktake_counts_lot_id_lots FOREIGN KEY(lot_id) REFERENCES lots (id), 
	CONSTRAINT uq_stocktake_counts_event_id UNIQUE (event_id), 
	CONSTRAINT fk_stocktake_counts_event_id_events FOREIGN KEY(event_id) REFERENCES events (id)
);

CREATE TRIGGER stocktake_counts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stocktake_counts FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

