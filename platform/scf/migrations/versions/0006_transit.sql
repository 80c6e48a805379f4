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

CREATE TABLE freight_bills (
	kind VARCHAR(7) NOT NULL, 
	payee_id UUID NOT NULL, 
	payer_id UUID NOT NULL, 
	number TEXT NOT NULL, 
	due_on DATE NOT NULL, 
	pay_to JSONB NOT NULL, 
	tolerance_bps BIGINT NOT NULL, 
	tolerance_minor BIGINT NOT NULL, 
	state VARCHAR(9) NOT NULL, 
	state_since TIMESTAMP WITH TIME ZONE NOT NULL, 
	entered_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	issued_at TIMESTAMP WITH TIME ZONE, 
	id UUID NOT NULL, 
	version BIGINT NOT NULL, 
	secret BYTEA NOT NULL, 
	head_hash BYTEA, 
	CONSTRAINT pk_freight_bills PRIMARY KEY (id), 
	CONSTRAINT ck_freight_bills_two_parties CHECK (payee_id <> payer_id), 
	CONSTRAINT ck_freight_bills_entered_before_issued CHECK ((state = 'ENTERED') <= (issued_at IS NULL)), 
	CONSTRAINT ck_freight_bills_tolerance_not_negative CHECK (least(tolerance_bps, tolerance_minor) >= 0), 
	CONSTRAINT ck_freight_bills_billkind CHECK (kind IN ('freight', 'storage', 'claim')), 
	CONSTRAINT fk_freight_bills_payee_id_parties FOREIGN KEY(payee_id) REFERENCES parties (id), 
	CONSTRAINT fk_freight_bills_payer_id_parties FOREIGN KEY(payer_id) REFERENCES parties (id), 
	CONSTRAINT ck_freight_bills_billstate CHECK (state IN ('ENTERED', 'ISSUED', 'ANSWERED', 'SETTLED', 'WITHDRAWN'))
);

CREATE UNIQUE INDEX uq_freight_bills_number ON freight_bills (payee_id, number);

CREATE INDEX ix_freight_bills_payer_id_id ON freight_bills (payer_id, id);

CREATE INDEX ix_freight_bills_payee_id_id ON freight_bills (payee_id, id);

CREATE FUNCTION guard_freight_bills_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('ENTERED', 'ISSUED'), ('ENTERED', 'WITHDRAWN'), ('ISSUED', 'ANSWERED'), ('ISSUED', 'WITHDRAWN'), ('ANSWERED', 'SETTLED'), ('SETTLED', 'ANSWERED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'freight_bills: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER freight_bills_guard_state BEFORE UPDATE OF state ON freight_bills FOR EACH ROW EXECUTE FUNCTION guard_freight_bills_state();

CREATE TABLE storage_tariffs (
	keeper_id UUID NOT NULL, 
	client_id UUID NOT NULL, 
	unit TEXT NOT NULL, 
	rate_minor BIGINT NOT NULL, 
	payment_days BIGINT NOT NULL, 
	first_on DATE NOT NULL, 
	last_on DATE, 
	proposed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	agreed_at TIMESTAMP WITH TIME ZONE, 
	id UUID NOT NULL, 
	version BIGINT NOT NULL, 
	secret BYTEA NOT NULL, 
	head_hash BYTEA, 
	signed UUID[] DEFAULT '{}' NOT NULL, 
	authorizations BYTEA[] DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_storage_tariffs PRIMARY KEY (id), 
	CONSTRAINT ck_storage_tariffs_two_parties CHECK (keeper_id <> client_id), 
	CONSTRAINT ck_storage_tariffs_rate_positive CHECK (rate_minor > 0), 
	CONSTRAINT ck_storage_tariffs_payment_days_not_negative CHECK (payment_days >= 0), 
	CONSTRAINT ck_storage_tariffs_runs_forward CHECK (last_on >= first_on), 
	CONSTRAINT fk_storage_tariffs_keeper_id_parties FOREIGN KEY(keeper_id) REFERENCES parties (id), 
	CONSTRAINT fk_storage_tariffs_client_id_parties FOREIGN KEY(client_id) REFERENCES parties (id)
);

CREATE INDEX ix_storage_tariffs_client_id_id ON storage_tariffs (client_id, id);

CREATE INDEX ix_storage_tariffs_keeper_id_client_id ON storage_tariffs (keeper_id, client_id);

CREATE TABLE freight_settlements (
	id UUID NOT NULL, 
	payer_id UUID NOT NULL, 
	payee_id UUID NOT NULL, 
	owed_minor BIGINT NOT NULL, 
	set_off_minor BIGINT NOT NULL, 
	order_id UUID, 
	state VARCHAR(10) NOT NULL, 
	state_since TIMESTAMP WITH TIME ZONE NOT NULL, 
	made_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_freight_settlements PRIMARY KEY (id), 
	CONSTRAINT ck_freight_settlements_two_parties CHECK (payer_id <> payee_id), 
	CONSTRAINT ck_freight_settlements_amounts CHECK (set_off_minor >= 0 AND owed_minor > 0 AND owed_minor >= set_off_minor), 
	CONSTRAINT ck_freight_settlements_order_for_something CHECK ((order_id IS NULL) = (owed_minor = set_off_minor)), 
	CONSTRAINT fk_freight_settlements_payer_id_parties FOREIGN KEY(payer_id) REFERENCES parties (id), 
	CONSTRAINT fk_freight_settlements_payee_id_parties FOREIGN KEY(payee_id) REFERENCES parties (id), 
	CONSTRAINT uq_freight_settlements_order_id UNIQUE (order_id), 
	CONSTRAINT fk_freight_settlements_order_id_payment_orders FOREIGN KEY(order_id) REFERENCES payment_orders (id), 
	CONSTRAINT ck_freight_settlements_settlementstate CHECK (state IN ('INSTRUCTED', 'PAID', 'RETURNED'))
);

CREATE INDEX ix_freight_settlements_payer_id_id ON freight_settlements (payer_id, id);

CREATE INDEX ix_freight_settlements_payee_id_id ON freight_settlements (payee_id, id);

CREATE FUNCTION guard_freight_settlements_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('INSTRUCTED', 'PAID'), ('PAID', 'RETURNED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'freight_settlements: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER freight_settlements_guard_state BEFORE UPDATE OF state ON freight_settlements FOR EACH ROW EXECUTE FUNCTION guard_freight_settlements_state();

CREATE TABLE payment_order_transfers (
	order_id UUID NOT NULL, 
	payee_id UUID NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	pay_to JSONB NOT NULL, 
	CONSTRAINT pk_payment_order_transfers PRIMARY KEY (order_id), 
	CONSTRAINT ck_payment_order_transfers_amount_positive CHECK (amount_minor > 0), 
	CONSTRAINT fk_payment_order_transfers_order_id_payment_orders FOREIGN KEY(order_id) REFERENCES payment_orders (id), 
	CONSTRAINT fk_payment_order_transfers_payee_id_parties FOREIGN KEY(payee_id) REFERENCES parties (id)
);

CREATE TRIGGER payment_order_transfers_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_order_transfers FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE freight_bill_items (
	bill_id UUID NOT NULL, 
	position BIGINT NOT NULL, 
	payee_id UUID NOT NULL, 
	receipt_id UUID NOT NULL, 
	consignment_id UUID, 
	claimed BOOLEAN NOT NULL, 
	first_on DATE, 
	last_on DATE, 
	unit TEXT NOT NULL, 
	quantity_minor BIGINT NOT NULL, 
	rate_minor BIGINT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	book_minor BIGINT NOT NULL, 
	agreed_minor BIGINT NOT NULL, 
	expected_minor BIGINT NOT NULL, 
	within BOOLEAN NOT NULL, 
	accepted_minor BIGINT NOT NULL, 
	reason TEXT, 
	conceded_minor BIGINT NOT NULL, 
	paid_minor BIGINT NOT NULL, 
	live BOOLEAN NOT NULL, 
	CONSTRAINT pk_freight_bill_items PRIMARY KEY (bill_id, position), 
	CONSTRAINT ck_freight_bill_items_amount_positive CHECK (amount_minor > 0), 
	CONSTRAINT ck_freight_bill_items_not_negative CHECK (least(quantity_minor, rate_minor, book_minor, agreed_minor, expected_minor) >= 0), 
	CONSTRAINT ck_freight_bill_items_of_a_journey_or_days CHECK ((consignment_id IS NULL) = (first_on IS NOT NULL AND last_on IS NOT NULL) AND last_on >= first_on), 
	CONSTRAINT ck_freight_bill_items_no_more_than_billed CHECK (least(accepted_minor, conceded_minor, paid_minor) >= 0 AND accepted_minor + conceded_minor <= amount_minor AND paid_minor <= accepted_minor), 
	CONSTRAINT fk_freight_bill_items_bill_id_freight_bills FOREIGN KEY(bill_id) REFERENCES freight_bills (id), 
	CONSTRAINT fk_freight_bill_items_payee_id_parties FOREIGN KEY(payee_id) REFERENCES parties (id), 
	CONSTRAINT fk_freight_bill_items_receipt_id_warehouse_receipts FOREIGN KEY(receipt_id) REFERENCES warehouse_receipts (id), 
	CONSTRAINT fk_freight_bill_items_consignment_id_consignments FOREIGN KEY(consignment_id) REFERENCES consignments (id)
);

CREATE UNIQUE INDEX uq_freight_bill_items_consignment ON freight_bill_items (consignment_id, claimed) WHERE live AND consignment_id IS NOT NULL;

CREATE INDEX ix_freight_bill_items_receipt_id ON freight_bill_items (receipt_id);

CREATE FUNCTION guard_days_billed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM warehouse_receipts WHERE id = NEW.receipt_id FOR UPDATE; -- one bill after the other
  IF EXISTS (SELECT FROM freight_bill_items WHERE receipt_id = NEW.receipt_id
    AND payee_id = NEW.payee_id AND live AND first_on <= NEW.last_on AND last_on >= NEW.first_on)
  THEN
    RAISE EXCEPTION 'receipt %: days from % to % are billed already',
      NEW.receipt_id, NEW.first_on, NEW.last_on USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER freight_bill_items_guard_days BEFORE INSERT ON freight_bill_items
  FOR EACH ROW WHEN (NEW.first_on IS NOT NULL) EXECUTE FUNCTION guard_days_billed();

CREATE TABLE payment_order_entries (
	entry_id UUID NOT NULL, 
	order_id UUID NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	CONSTRAINT pk_payment_order_entries PRIMARY KEY (entry_id), 
	CONSTRAINT ck_payment_order_entries_amount_not_zero CHECK (amount_minor <> 0), 
	CONSTRAINT fk_payment_order_entries_entry_id_bank_entries FOREIGN KEY(entry_id) REFERENCES bank_entries (id), 
	CONSTRAINT fk_payment_order_entries_order_id_payment_order_transfers FOREIGN KEY(order_id) REFERENCES payment_order_transfers (order_id)
);

CREATE INDEX ix_payment_order_entries_order_id ON payment_order_entries (order_id);

CREATE TRIGGER payment_order_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_order_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE freight_settlement_parts (
	settlement_id UUID NOT NULL, 
	bill_id UUID NOT NULL, 
	position BIGINT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	CONSTRAINT pk_freight_settlement_parts PRIMARY KEY (settlement_id, bill_id, position), 
	CONSTRAINT fk_freight_settlement_parts_bill_id_freight_bill_items FOREIGN KEY(bill_id, position) REFERENCES freight_bill_items (bill_id, position), 
	CONSTRAINT ck_freight_settlement_parts_amount_positive CHECK (amount_minor > 0), 
	CONSTRAINT fk_freight_settlement_parts_settlement_id_freight_settlements FOREIGN KEY(settlement_id) REFERENCES freight_settlements (id)
);

CREATE TRIGGER freight_settlement_parts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON freight_settlement_parts FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE FUNCTION guard_settled_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  accepted bigint;
  settled bigint;
BEGIN
  SELECT accepted_minor INTO accepted FROM freight_bill_items
    WHERE bill_id = NEW.bill_id AND position = NEW.position FOR UPDATE;
  SELECT coalesce(sum(p.amount_minor), 0) INTO settled FROM freight_settlement_parts p
    JOIN freight_settlements s ON s.id = p.settlement_id
    LEFT JOIN payment_orders o ON o.id = s.order_id
    WHERE p.bill_id = NEW.bill_id AND p.position = NEW.position AND s.state <> 'RETURNED'
      AND (o.state IS NULL OR o.state NOT IN ('REJECTED', 'WITHDRAWN'));
  IF settled + NEW.amount_minor > accepted THEN
    RAISE EXCEPTION 'bill %, item %: % of % accepted is settled already, no more than that',
      NEW.bill_id, NEW.position, settled, accepted USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER freight_settlement_parts_guard BEFORE INSERT ON freight_settlement_parts
  FOR EACH ROW EXECUTE FUNCTION guard_settled_once();
