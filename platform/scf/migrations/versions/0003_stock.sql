-- Goods in warehouses, the receipts over them, and pledges on receipts.

-- A pool is counted in a currency or in a unit of goods; goods leave by an entry of their own.
DROP TRIGGER pools_guard ON pools;
ALTER TABLE pools RENAME COLUMN currency TO unit;
DO $$ BEGIN -- PostgreSQL 18 names these
  IF EXISTS (SELECT FROM pg_constraint WHERE conname = 'pools_currency_not_null') THEN
    ALTER TABLE pools RENAME CONSTRAINT pools_currency_not_null TO pools_unit_not_null;
  END IF;
END $$;
CREATE TRIGGER pools_guard
  BEFORE INSERT OR UPDATE OF id, unit, confirmed_minor, used_minor ON pools
  FOR EACH ROW EXECUTE FUNCTION guard_pool();
CREATE OR REPLACE FUNCTION guard_edge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF pg_trigger_depth() > 1 THEN RETURN NEW; END IF; -- an entry's own trigger
    RAISE EXCEPTION 'an edge''s amounts change only through pool_entries'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.carried_minor + NEW.passed_minor + NEW.moving_minor <> 0 OR NOT EXISTS (
    SELECT FROM pools a JOIN pools b ON b.id = NEW.to_pool_id AND b.unit = a.unit
    WHERE a.id = NEW.from_pool_id AND NEW.amount_minor <= a.confirmed_minor - (
      SELECT coalesce(sum(carried_minor), 0) FROM conversion_edges WHERE from_pool_id = a.id))
  THEN
    RAISE EXCEPTION 'pool %: more is to become of it than is there', NEW.from_pool_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
ALTER TABLE pool_entries DROP CONSTRAINT ck_pool_entries_kind_and_deltas;
ALTER TABLE pool_entries ADD CONSTRAINT ck_pool_entries_kind_and_deltas CHECK (CASE kind WHEN 'OPEN' THEN holder_id IS NULL AND confirmed_delta_minor > 0 AND used_delta_minor = 0 AND version = 1 WHEN 'RESERVE' THEN holder_id IS NOT NULL AND party_id IS NOT NULL AND confirmed_delta_minor = 0 AND used_delta_minor > 0 WHEN 'PAY' THEN confirmed_delta_minor < 0 AND used_delta_minor = CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END WHEN 'DILUTE' THEN holder_id IS NULL AND confirmed_delta_minor < 0 AND used_delta_minor = 0 WHEN 'RELEASE' THEN holder_id IS NOT NULL AND confirmed_delta_minor = 0 AND used_delta_minor < 0 WHEN 'REVERSE' THEN confirmed_delta_minor > 0 AND used_delta_minor = CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END WHEN 'DELIVER' THEN confirmed_delta_minor < 0 AND used_delta_minor = CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END WHEN 'CARRY' THEN holder_id IS NOT NULL AND party_id IS NULL AND confirmed_delta_minor = 0 AND used_delta_minor <> 0 WHEN 'CONVERT' THEN confirmed_delta_minor < 0 AND used_delta_minor = CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END OR confirmed_delta_minor = 0 AND used_delta_minor > 0 AND holder_id IS NOT NULL END);
ALTER TABLE pool_entries DROP CONSTRAINT ck_pool_entries_entrykind;
ALTER TABLE pool_entries ADD CONSTRAINT ck_pool_entries_entrykind CHECK (kind IN ('OPEN', 'RESERVE', 'PAY', 'DILUTE', 'RELEASE', 'REVERSE', 'CARRY', 'CONVERT', 'DELIVER'));
CREATE OR REPLACE FUNCTION apply_pool_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  held bigint;
BEGIN
  UPDATE pools
    SET confirmed_minor = confirmed_minor + NEW.confirmed_delta_minor,
        used_minor = used_minor + NEW.used_delta_minor
    WHERE id = NEW.pool_id AND version + 1 = NEW.version
      AND CASE WHEN NEW.kind IN ('RESERVE', 'CARRY') AND NEW.used_delta_minor > 0
                 THEN free_minor >= NEW.used_delta_minor
               WHEN NEW.kind IN ('PAY', 'CONVERT', 'DELIVER') AND NEW.holder_id IS NULL
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

CREATE TABLE lots (
  keeper_id UUID NOT NULL,
  depositor_id UUID NOT NULL,
  supervisor_id UUID,
  goods TEXT NOT NULL,
  grade TEXT,
  packing TEXT,
  marks TEXT,
  warehouse TEXT NOT NULL,
  location TEXT NOT NULL,
  loss_standard TEXT NOT NULL,
  unit TEXT NOT NULL,
  declared_minor BIGINT NOT NULL,
  stored_minor BIGINT,
  stored_on DATE,
  pool_id UUID,
  stored_event_hash BYTEA,
  state VARCHAR(11) NOT NULL,
  state_since TIMESTAMP WITH TIME ZONE NOT NULL,
  entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  CONSTRAINT pk_lots PRIMARY KEY (id),
  CONSTRAINT ck_lots_quantities_positive CHECK (declared_minor > 0 AND stored_minor > 0),
  CONSTRAINT ck_lots_supervisor_is_not_keeper CHECK (supervisor_id <> keeper_id),
  CONSTRAINT ck_lots_stored_with_pool CHECK ((state = 'STORED') = (pool_id IS NOT NULL AND stored_minor IS NOT NULL)),
  CONSTRAINT fk_lots_keeper_id_parties FOREIGN KEY(keeper_id) REFERENCES parties (id),
  CONSTRAINT fk_lots_depositor_id_parties FOREIGN KEY(depositor_id) REFERENCES parties (id),
  CONSTRAINT fk_lots_supervisor_id_parties FOREIGN KEY(supervisor_id) REFERENCES parties (id),
  CONSTRAINT uq_lots_pool_id UNIQUE (pool_id),
  CONSTRAINT fk_lots_pool_id_pools FOREIGN KEY(pool_id) REFERENCES pools (id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT ck_lots_state CHECK (state IN ('ENTERED', 'WEIGHED', 'ASSAYED', 'STORED', 'TURNED_AWAY'))
);

CREATE INDEX ix_lots_keeper_id_id ON lots (keeper_id, id);

CREATE INDEX ix_lots_supervisor_id_id ON lots (supervisor_id, id) WHERE supervisor_id IS NOT NULL;

CREATE INDEX ix_lots_depositor_id_id ON lots (depositor_id, id);

CREATE FUNCTION guard_lots_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('ENTERED', 'TURNED_AWAY'), ('ENTERED', 'WEIGHED'), ('WEIGHED', 'ASSAYED'), ('WEIGHED', 'TURNED_AWAY'), ('ASSAYED', 'STORED'), ('ASSAYED', 'TURNED_AWAY')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'lots: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER lots_guard_state BEFORE UPDATE OF state ON lots FOR EACH ROW EXECUTE FUNCTION guard_lots_state();

CREATE TABLE warehouse_receipts (
  kind VARCHAR(17) NOT NULL,
  medium VARCHAR(10) NOT NULL,
  number TEXT NOT NULL,
  keeper_id UUID NOT NULL,
  depositor_id UUID NOT NULL,
  holder_id UUID NOT NULL,
  goods TEXT NOT NULL,
  grade TEXT,
  unit TEXT NOT NULL,
  quantity_minor BIGINT NOT NULL,
  stored_until DATE NOT NULL,
  items JSONB NOT NULL,
  pool_id UUID NOT NULL,
  issued_event_hash BYTEA NOT NULL,
  title_event_hash BYTEA NOT NULL,
  state VARCHAR(9) NOT NULL,
  state_since TIMESTAMP WITH TIME ZONE NOT NULL,
  state_reason TEXT,
  fee_owed_minor BIGINT NOT NULL,
  expiring_told_at TIMESTAMP WITH TIME ZONE,
  issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  secret BYTEA NOT NULL,
  head_hash BYTEA,
  CONSTRAINT pk_warehouse_receipts PRIMARY KEY (id),
  CONSTRAINT ck_warehouse_receipts_quantity_positive CHECK (quantity_minor > 0),
  CONSTRAINT ck_warehouse_receipts_holder_is_not_keeper CHECK (holder_id <> keeper_id),
  CONSTRAINT ck_warehouse_receipts_fee_not_negative CHECK (fee_owed_minor >= 0),
  CONSTRAINT ck_warehouse_receipts_titlekind CHECK (kind IN ('warehouse_receipt', 'rail_bill', 'multimodal', 'road', 'river', 'exchange_receipt')),
  CONSTRAINT ck_warehouse_receipts_medium CHECK (medium IN ('electronic', 'paper')),
  CONSTRAINT uq_warehouse_receipts_number UNIQUE (number),
  CONSTRAINT fk_warehouse_receipts_keeper_id_parties FOREIGN KEY(keeper_id) REFERENCES parties (id),
  CONSTRAINT fk_warehouse_receipts_depositor_id_parties FOREIGN KEY(depositor_id) REFERENCES parties (id),
  CONSTRAINT fk_warehouse_receipts_holder_id_parties FOREIGN KEY(holder_id) REFERENCES parties (id),
  CONSTRAINT uq_warehouse_receipts_pool_id UNIQUE (pool_id),
  CONSTRAINT fk_warehouse_receipts_pool_id_pools FOREIGN KEY(pool_id) REFERENCES pools (id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT ck_warehouse_receipts_state CHECK (state IN ('ACTIVE', 'FROZEN', 'DISPUTED', 'EXPIRED', 'LOST', 'DIVIDED', 'DELIVERED', 'CANCELLED'))
);

CREATE INDEX ix_warehouse_receipts_keeper_id_id ON warehouse_receipts (keeper_id, id);

CREATE INDEX ix_warehouse_receipts_holder_id_id ON warehouse_receipts (holder_id, id);

CREATE FUNCTION guard_warehouse_receipts_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('ACTIVE', 'CANCELLED'), ('ACTIVE', 'DELIVERED'), ('ACTIVE', 'DISPUTED'), ('ACTIVE', 'DIVIDED'), ('ACTIVE', 'EXPIRED'), ('ACTIVE', 'FROZEN'), ('ACTIVE', 'LOST'), ('FROZEN', 'ACTIVE'), ('FROZEN', 'DISPUTED'), ('FROZEN', 'EXPIRED'), ('DISPUTED', 'ACTIVE'), ('DISPUTED', 'EXPIRED'), ('DISPUTED', 'FROZEN'), ('EXPIRED', 'ACTIVE'), ('EXPIRED', 'DELIVERED'), ('EXPIRED', 'DISPUTED'), ('EXPIRED', 'FROZEN'), ('LOST', 'ACTIVE'), ('LOST', 'DISPUTED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'warehouse_receipts: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER warehouse_receipts_guard_state BEFORE UPDATE OF state ON warehouse_receipts FOR EACH ROW EXECUTE FUNCTION guard_warehouse_receipts_state();

CREATE FUNCTION guard_title() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'ACTIVE' OR EXISTS (SELECT FROM pools WHERE id = OLD.pool_id AND used_minor > 0)
  THEN
    RAISE EXCEPTION 'receipt %: it is not passed on while it is pledged or kept still', OLD.id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER warehouse_receipts_guard_title BEFORE UPDATE OF holder_id ON warehouse_receipts
  FOR EACH ROW WHEN (OLD.holder_id <> NEW.holder_id) EXECUTE FUNCTION guard_title();

CREATE TABLE lot_changes (
  event_id UUID NOT NULL,
  lot_id UUID NOT NULL,
  party_id UUID NOT NULL,
  quantity_minor BIGINT NOT NULL,
  reason TEXT NOT NULL,
  told_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_lot_changes PRIMARY KEY (event_id),
  CONSTRAINT ck_lot_changes_quantity_not_zero CHECK (quantity_minor <> 0),
  CONSTRAINT fk_lot_changes_event_id_events FOREIGN KEY(event_id) REFERENCES events (id),
  CONSTRAINT fk_lot_changes_lot_id_lots FOREIGN KEY(lot_id) REFERENCES lots (id),
  CONSTRAINT fk_lot_changes_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id)
);

CREATE INDEX ix_lot_changes_lot_id ON lot_changes (lot_id);

CREATE TRIGGER lot_changes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lot_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE lot_counts (
  event_id UUID NOT NULL,
  lot_id UUID NOT NULL,
  source TEXT NOT NULL,
  book_minor BIGINT NOT NULL,
  counted_minor BIGINT NOT NULL,
  tolerance_minor BIGINT NOT NULL,
  counted_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_lot_counts PRIMARY KEY (event_id),
  CONSTRAINT ck_lot_counts_not_negative CHECK (least(book_minor, counted_minor, tolerance_minor) >= 0),
  CONSTRAINT fk_lot_counts_event_id_events FOREIGN KEY(event_id) REFERENCES events (id),
  CONSTRAINT fk_lot_counts_lot_id_lots FOREIGN KEY(lot_id) REFERENCES lots (id)
);

CREATE INDEX ix_lot_counts_lot_id ON lot_counts (lot_id);

CREATE TRIGGER lot_counts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lot_counts FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE lot_papers (
  event_id UUID NOT NULL,
  lot_id UUID NOT NULL,
  kind VARCHAR(13) NOT NULL,
  source TEXT NOT NULL,
  number TEXT NOT NULL,
  made_on DATE NOT NULL,
  quantity_minor BIGINT,
  passed BOOLEAN,
  original BYTEA NOT NULL,
  original_sha256 BYTEA NOT NULL,
  order_id UUID,
  added_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_lot_papers PRIMARY KEY (event_id),
  CONSTRAINT uq_lot_papers_lot_id_kind_source_number UNIQUE (lot_id, kind, source, number),
  CONSTRAINT ck_lot_papers_quantity_not_negative CHECK (quantity_minor >= 0),
  CONSTRAINT ck_lot_papers_order_is_weighed CHECK (order_id IS NULL OR kind IN ('weighing', 'tally')),
  CONSTRAINT fk_lot_papers_event_id_events FOREIGN KEY(event_id) REFERENCES events (id),
  CONSTRAINT fk_lot_papers_lot_id_lots FOREIGN KEY(lot_id) REFERENCES lots (id),
  CONSTRAINT ck_lot_papers_paperkind CHECK (kind IN ('weighing', 'tally', 'assay', 'location_card', 'daily_stock', 'patrol', 'exit_slip'))
);

CREATE INDEX ix_lot_papers_lot_id ON lot_papers (lot_id);

CREATE INDEX ix_lot_papers_order_id ON lot_papers (order_id) WHERE order_id IS NOT NULL;

CREATE TRIGGER lot_papers_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lot_papers FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE lot_units (
  lot_id UUID NOT NULL,
  name TEXT NOT NULL,
  certificate_no TEXT,
  quantity_minor BIGINT NOT NULL,
  receipt_id UUID,
  left_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_lot_units PRIMARY KEY (lot_id, name),
  CONSTRAINT ck_lot_units_quantity_positive CHECK (quantity_minor > 0),
  CONSTRAINT fk_lot_units_lot_id_lots FOREIGN KEY(lot_id) REFERENCES lots (id)
);

CREATE UNIQUE INDEX uq_lot_units_present ON lot_units (name) WHERE left_at IS NULL;

CREATE INDEX ix_lot_units_receipt_id ON lot_units (receipt_id);

CREATE TABLE receipt_divisions (
  id UUID NOT NULL,
  holder_id UUID NOT NULL,
  keeper_id UUID NOT NULL,
  receipt_id UUID NOT NULL,
  version BIGINT NOT NULL,
  "of" UUID[] NOT NULL,
  "into" JSONB NOT NULL,
  pledgees UUID[] NOT NULL,
  asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  done_at TIMESTAMP WITH TIME ZONE,
  ended_at TIMESTAMP WITH TIME ZONE,
  signed UUID[] DEFAULT '{}' NOT NULL,
  authorizations BYTEA[] DEFAULT '{}' NOT NULL,
  CONSTRAINT pk_receipt_divisions PRIMARY KEY (id),
  CONSTRAINT fk_receipt_divisions_holder_id_parties FOREIGN KEY(holder_id) REFERENCES parties (id),
  CONSTRAINT fk_receipt_divisions_keeper_id_parties FOREIGN KEY(keeper_id) REFERENCES parties (id),
  CONSTRAINT fk_receipt_divisions_receipt_id_warehouse_receipts FOREIGN KEY(receipt_id) REFERENCES warehouse_receipts (id)
);

CREATE INDEX ix_receipt_divisions_holder_id_id ON receipt_divisions (holder_id, id);

CREATE INDEX ix_receipt_divisions_receipt_id ON receipt_divisions (receipt_id);

CREATE TABLE receipt_endorsements (
  id UUID NOT NULL,
  receipt_id UUID NOT NULL,
  from_id UUID NOT NULL,
  to_id UUID,
  title_event_hash BYTEA NOT NULL,
  version BIGINT NOT NULL,
  authorizations BYTEA[] NOT NULL,
  signed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  attested_at TIMESTAMP WITH TIME ZONE,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_receipt_endorsements PRIMARY KEY (id),
  CONSTRAINT fk_receipt_endorsements_receipt_id_warehouse_receipts FOREIGN KEY(receipt_id) REFERENCES warehouse_receipts (id),
  CONSTRAINT fk_receipt_endorsements_from_id_parties FOREIGN KEY(from_id) REFERENCES parties (id),
  CONSTRAINT fk_receipt_endorsements_to_id_parties FOREIGN KEY(to_id) REFERENCES parties (id)
);

CREATE INDEX ix_receipt_endorsements_receipt_id ON receipt_endorsements (receipt_id);

CREATE UNIQUE INDEX uq_receipt_endorsements_open ON receipt_endorsements (receipt_id) WHERE attested_at IS NULL AND ended_at IS NULL;

CREATE TABLE receipt_lots (
  receipt_id UUID NOT NULL,
  lot_id UUID NOT NULL,
  quantity_minor BIGINT NOT NULL,
  lost_minor BIGINT NOT NULL,
  CONSTRAINT pk_receipt_lots PRIMARY KEY (receipt_id, lot_id),
  CONSTRAINT ck_receipt_lots_quantities_not_negative CHECK (least(quantity_minor, lost_minor) >= 0),
  CONSTRAINT fk_receipt_lots_receipt_id_warehouse_receipts FOREIGN KEY(receipt_id) REFERENCES warehouse_receipts (id),
  CONSTRAINT fk_receipt_lots_lot_id_lots FOREIGN KEY(lot_id) REFERENCES lots (id)
);

CREATE INDEX ix_receipt_lots_lot_id ON receipt_lots (lot_id);

CREATE TABLE receipt_restraints (
  id UUID NOT NULL,
  receipt_id UUID NOT NULL,
  kind VARCHAR(7) NOT NULL,
  basis VARCHAR(7) NOT NULL,
  reference TEXT NOT NULL,
  lot_id UUID,
  quantity_minor BIGINT NOT NULL,
  party_id UUID,
  placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  cleared_by_keeper_at TIMESTAMP WITH TIME ZONE,
  cleared_by_supervisor_at TIMESTAMP WITH TIME ZONE,
  lifted_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_receipt_restraints PRIMARY KEY (id),
  CONSTRAINT ck_receipt_restraints_quantity_not_negative CHECK (quantity_minor >= 0),
  CONSTRAINT fk_receipt_restraints_receipt_id_warehouse_receipts FOREIGN KEY(receipt_id) REFERENCES warehouse_receipts (id),
  CONSTRAINT ck_receipt_restraints_restraintkind CHECK (kind IN ('freeze', 'dispute')),
  CONSTRAINT ck_receipt_restraints_basis CHECK (basis IN ('court', 'pledgee', 'loss', 'count')),
  CONSTRAINT fk_receipt_restraints_lot_id_lots FOREIGN KEY(lot_id) REFERENCES lots (id),
  CONSTRAINT fk_receipt_restraints_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id)
);

CREATE INDEX ix_receipt_restraints_open ON receipt_restraints (receipt_id) WHERE lifted_at IS NULL;

CREATE TABLE receipt_withdrawal_refusals (
  id UUID NOT NULL,
  receipt_id UUID NOT NULL,
  party_id UUID NOT NULL,
  quantity_minor BIGINT NOT NULL,
  code TEXT NOT NULL,
  refused_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_receipt_withdrawal_refusals PRIMARY KEY (id),
  CONSTRAINT fk_receipt_withdrawal_refusals_receipt_id_warehouse_receipts FOREIGN KEY(receipt_id) REFERENCES warehouse_receipts (id),
  CONSTRAINT fk_receipt_withdrawal_refusals_party_id_parties FOREIGN KEY(party_id) REFERENCES parties (id)
);

CREATE INDEX ix_receipt_withdrawal_refusals_receipt_id ON receipt_withdrawal_refusals (receipt_id);

CREATE TRIGGER receipt_withdrawal_refusals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_withdrawal_refusals FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE receipt_withdrawals (
  id UUID NOT NULL,
  receipt_id UUID NOT NULL,
  order_no TEXT NOT NULL,
  quantity_minor BIGINT NOT NULL,
  units TEXT[],
  taker TEXT NOT NULL,
  ordered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  delivered_at TIMESTAMP WITH TIME ZONE,
  delivered_event_id UUID,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_receipt_withdrawals PRIMARY KEY (id),
  CONSTRAINT ck_receipt_withdrawals_quantity_positive CHECK (quantity_minor > 0),
  CONSTRAINT ck_receipt_withdrawals_ends_once CHECK (delivered_at IS NULL OR ended_at IS NULL),
  CONSTRAINT fk_receipt_withdrawals_receipt_id_warehouse_receipts FOREIGN KEY(receipt_id) REFERENCES warehouse_receipts (id),
  CONSTRAINT fk_receipt_withdrawals_delivered_event_id_events FOREIGN KEY(delivered_event_id) REFERENCES events (id)
);

CREATE UNIQUE INDEX uq_receipt_withdrawals_order_no ON receipt_withdrawals (receipt_id, order_no);

CREATE INDEX ix_receipt_withdrawals_receipt_id ON receipt_withdrawals (receipt_id);

CREATE FUNCTION guard_withdrawal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM warehouse_receipts WHERE id = NEW.receipt_id
    AND state IN ('ACTIVE', 'EXPIRED'))
  THEN
    RAISE EXCEPTION 'receipt %: nothing leaves while it is frozen, disputed or over', NEW.receipt_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER receipt_withdrawals_guard
  BEFORE INSERT OR UPDATE OF delivered_at ON receipt_withdrawals
  FOR EACH ROW WHEN (NEW.ended_at IS NULL) EXECUTE FUNCTION guard_withdrawal();

ALTER TABLE pledges ADD COLUMN unit TEXT, ADD COLUMN receipt_id UUID, ADD COLUMN realise_told_on DATE;
UPDATE pledges SET unit = currency;
ALTER TABLE pledges ALTER COLUMN unit SET NOT NULL;
ALTER TABLE pledges ADD CONSTRAINT fk_pledges_receipt_id_warehouse_receipts
  FOREIGN KEY (receipt_id) REFERENCES warehouse_receipts (id);
CREATE INDEX ix_pledges_receipt_id ON pledges (receipt_id);
CREATE INDEX ix_pledges_realise_told_on ON pledges (id) WHERE realise_told_on IS NOT NULL;
ALTER TABLE pledges DROP CONSTRAINT ck_pledges_on_one_ground;
ALTER TABLE pledges ADD CONSTRAINT ck_pledges_on_one_ground CHECK (num_nonnulls(receivable_id, stage_id, receipt_id) = 1);
ALTER TABLE pledges DROP CONSTRAINT ck_pledges_amount_covers_principal;
ALTER TABLE pledges ADD CONSTRAINT ck_pledges_amount_covers_principal CHECK (unit <> currency OR amount_minor >= principal_minor);
ALTER TABLE pledges ADD CONSTRAINT ck_pledges_goods_in_their_unit CHECK ((unit = currency) = (receipt_id IS NULL));
