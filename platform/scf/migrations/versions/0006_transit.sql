-- Consignments on their way, other titles, freight and storage bills.

CREATE TABLE consignments (
	receipt_id UUID NOT NULL, 
	holder_id UUID NOT NULL, 
	keeper_id UUID NOT NULL, 
	carrier_id UUID NOT NULL, 
	destination_id UUID NOT NULL, 
	destination VARCHAR(9) NOT NULL, 
	pledgees UUID[] NOT NULL, 
	device_id UUID, 
	unit TEXT NOT NULL, 
	quantity_minor BIGINT NOT NULL, 
	in_transit_minor BIGINT NOT NULL, 
	arrived_minor BIGINT, 
	plan JSONB NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	state_since TIMESTAMP WITH TIME ZONE NOT NULL, 
	planned_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	dispatched_at TIMESTAMP WITH TIME ZONE, 
	id UUID NOT NULL, 
	version BIGINT NOT NULL, 
	secret BYTEA NOT NULL, 
	head_hash BYTEA, 
	signed UUID[] DEFAULT '{}' NOT NULL, 
	authorizations BYTEA[] DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_consignments PRIMARY KEY (id), 
	CONSTRAINT ck_consignments_quantity_positive CHECK (quantity_minor > 0), 
	CONSTRAINT ck_consignments_travels_whole CHECK (in_transit_minor = CASE WHEN state IN ('IN_TRANSIT', 'HALTED') THEN quantity_minor ELSE 0 END), 
	CONSTRAINT ck_consignments_arrived_at_the_end CHECK ((state IN ('ARRIVED', 'DELIVERED')) = (arrived_minor IS NOT NULL) AND arrived_minor BETWEEN 0 AND quantity_minor), 
	CONSTRAINT ck_consignments_carrier_apart CHECK (carrier_id <> keeper_id AND carrier_id <> holder_id AND carrier_id <> destination_id), 
	CONSTRAINT fk_consignments_receipt_id_warehouse_receipts FOREIGN KEY(receipt_id) REFERENCES warehouse_receipts (id), 
	CONSTRAINT fk_consignments_holder_id_parties FOREIGN KEY(holder_id) REFERENCES parties (id), 
	CONSTRAINT fk_consignments_keeper_id_parties FOREIGN KEY(keeper_id) REFERENCES parties (id), 
	CONSTRAINT fk_consignments_carrier_id_parties FOREIGN KEY(carrier_id) REFERENCES parties (id), 
	CONSTRAINT fk_consignments_destination_id_parties FOREIGN KEY(destination_id) REFERENCES parties (id), 
	CONSTRAINT ck_consignments_destinationkind CHECK (destination IN ('warehouse', 'buyer')), 
	CONSTRAINT fk_consignments_device_id_devices FOREIGN KEY(device_id) REFERENCES devices (id), 
	CONSTRAINT ck_consignments_state CHECK (state IN ('PLANNED', 'AGREED', 'IN_TRANSIT', 'HALTED', 'ARRIVED', 'DELIVERED', 'CANCELLED'))
);

CREATE INDEX ix_consignments_destination_id_id ON consignments (destination_id, id);

CREATE INDEX ix_consignments_carrier_id_id ON consignments (carrier_id, id);

CREATE INDEX ix_consignments_device_id ON consignments (device_id);

CREATE INDEX ix_consignments_keeper_id_id ON consignments (keeper_id, id);

CREATE INDEX ix_consignments_holder_id_id ON consignments (holder_id, id);

CREATE INDEX ix_consignments_pledgees ON consignments USING gin (pledgees);

CREATE UNIQUE INDEX uq_consignments_open ON consignments (receipt_id) WHERE state IN ('PLANNED', 'AGREED', 'IN_TRANSIT', 'HALTED');

CREATE FUNCTION guard_consignments_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('PLANNED', 'AGREED'), ('PLANNED', 'CANCELLED'), ('AGREED', 'CANCELLED'), ('AGREED', 'IN_TRANSIT'), ('IN_TRANSIT', 'ARRIVED'), ('IN_TRANSIT', 'DELIVERED'), ('IN_TRANSIT', 'HALTED'), ('HALTED', 'IN_TRANSIT')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'consignments: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER consignments_guard_state BEFORE UPDATE OF state ON consignments FOR EACH ROW EXECUTE FUNCTION guard_consignments_state();

CREATE TABLE consignment_alarms (
	event_id UUID NOT NULL, 
	consignment_id UUID NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	raised_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	cleared_at TIMESTAMP WITH TIME ZONE, 
	cleared_event_id UUID, 
	CONSTRAINT pk_consignment_alarms PRIMARY KEY (event_id), 
	CONSTRAINT ck_consignment_alarms_cleared_by_an_event CHECK (num_nulls(cleared_at, cleared_event_id) IN (0, 2)), 
	CONSTRAINT fk_consignment_alarms_event_id_events FOREIGN KEY(event_id) REFERENCES events (id), 
	CONSTRAINT fk_consignment_alarms_consignment_id_consignments FOREIGN KEY(consignment_id) REFERENCES consignments (id), 
	CONSTRAINT ck_consignment_alarms_alarmkind CHECK (kind IN ('left_fence', 'standing', 'seal_open')), 
	CONSTRAINT fk_consignment_alarms_cleared_event_id_events FOREIGN KEY(cleared_event_id) REFERENCES events (id)
);

CREATE UNIQUE INDEX uq_consignment_alarms_open ON consignment_alarms (consignment_id, kind) WHERE cleared_at IS NULL;

CREATE INDEX ix_consignment_alarms_consignment_id ON consignment_alarms (consignment_id);

CREATE TABLE consignment_lots (
	consignment_id UUID NOT NULL, 
	lot_id UUID NOT NULL, 
	receipt_id UUID NOT NULL, 
	quantity_minor BIGINT NOT NULL, 
	CONSTRAINT pk_consignment_lots PRIMARY KEY (consignment_id, lot_id), 
	CONSTRAINT fk_consignment_lots_receipt_id_receipt_lots FOREIGN KEY(receipt_id, lot_id) REFERENCES receipt_lots (receipt_id, lot_id), 
	CONSTRAINT ck_consignment_lots_quantity_positive CHECK (quantity_minor > 0), 
	CONSTRAINT fk_consignment_lots_consignment_id_consignments FOREIGN KEY(consignment_id) REFERENCES consignments (id)
);

CREATE TRIGGER consignment_lots_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consignment_lots FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE FUNCTION guard_goods_of_receipt() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  lying bigint;
  travelling bigint;
  left_ bigint;
BEGIN
  SELECT coalesce(sum(quantity_minor), 0) INTO lying FROM receipt_lots
    WHERE receipt_id = NEW.receipt_id;
  SELECT coalesce(sum(in_transit_minor), 0) INTO travelling FROM consignments
    WHERE receipt_id = NEW.receipt_id;
  SELECT confirmed_minor INTO left_ FROM pools
    WHERE id = (SELECT pool_id FROM warehouse_receipts WHERE id = NEW.receipt_id);
  IF lying + travelling <> left_ THEN
    RAISE EXCEPTION 'receipt %: % in lots and % on the way, but % left of it',
      NEW.receipt_id, lying, travelling, left_ USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER consignments_guard_goods AFTER INSERT OR UPDATE ON consignments
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_goods_of_receipt();

CREATE CONSTRAINT TRIGGER receipt_lots_guard_goods
  AFTER INSERT OR UPDATE OF quantity_minor ON receipt_lots
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_goods_of_receipt();

CREATE TABLE consignment_positions (
	consignment_id UUID NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	source TEXT NOT NULL, 
	latitude BIGINT NOT NULL, 
	longitude BIGINT NOT NULL, 
	seal_open BOOLEAN, 
	told_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_consignment_positions PRIMARY KEY (consignment_id, seen_at, source), 
	CONSTRAINT ck_consignment_positions_on_the_globe CHECK (abs(latitude) <= 90000000 AND abs(longitude) <= 180000000), 
	CONSTRAINT fk_consignment_positions_consignment_id_consignments FOREIGN KEY(consignment_id) REFERENCES consignments (id)
);

CREATE TRIGGER consignment_positions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consignment_positions FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

