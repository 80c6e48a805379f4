-- Goods in warehouses, the receipts over them, and pledges on receipts. What stands on goods goes with them.

ALTER TABLE pledges DROP CONSTRAINT ck_pledges_goods_in_their_unit;
ALTER TABLE pledges DROP CONSTRAINT ck_pledges_on_one_ground;
ALTER TABLE pledges DROP CONSTRAINT ck_pledges_amount_covers_principal;
ALTER TABLE pledges DROP COLUMN receipt_id, DROP COLUMN unit, DROP COLUMN realise_told_on;
ALTER TABLE pledges ADD CONSTRAINT ck_pledges_on_one_ground CHECK (num_nonnulls(receivable_id, stage_id) = 1) NOT VALID;
ALTER TABLE pledges ADD CONSTRAINT ck_pledges_amount_covers_principal CHECK (amount_minor >= principal_minor) NOT VALID;
DROP TABLE receipt_withdrawals;
DROP TABLE receipt_withdrawal_refusals;
DROP TABLE receipt_lots;
DROP TABLE receipt_endorsements;
DROP TABLE receipt_restraints;
DROP TABLE receipt_divisions;
DROP TABLE lot_units;
DROP TABLE lot_papers;
DROP TABLE lot_counts;
DROP TABLE lot_changes;
DROP TABLE warehouse_receipts;
DROP TABLE lots;
DROP FUNCTION guard_title;
DROP FUNCTION guard_lots_state;
DROP FUNCTION guard_warehouse_receipts_state;
DROP FUNCTION guard_withdrawal;
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
ALTER TABLE pool_entries DROP CONSTRAINT ck_pool_entries_entrykind;
ALTER TABLE pool_entries ADD CONSTRAINT ck_pool_entries_entrykind CHECK (kind IN ('OPEN', 'RESERVE', 'PAY', 'DILUTE', 'RELEASE', 'REVERSE', 'CARRY', 'CONVERT')) NOT VALID;
ALTER TABLE pool_entries DROP CONSTRAINT ck_pool_entries_kind_and_deltas;
ALTER TABLE pool_entries ADD CONSTRAINT ck_pool_entries_kind_and_deltas CHECK (CASE kind WHEN 'OPEN' THEN holder_id IS NULL AND confirmed_delta_minor > 0 AND used_delta_minor = 0 AND version = 1 WHEN 'RESERVE' THEN holder_id IS NOT NULL AND party_id IS NOT NULL AND confirmed_delta_minor = 0 AND used_delta_minor > 0 WHEN 'PAY' THEN confirmed_delta_minor < 0 AND used_delta_minor = CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END WHEN 'DILUTE' THEN holder_id IS NULL AND confirmed_delta_minor < 0 AND used_delta_minor = 0 WHEN 'RELEASE' THEN holder_id IS NOT NULL AND confirmed_delta_minor = 0 AND used_delta_minor < 0 WHEN 'REVERSE' THEN confirmed_delta_minor > 0 AND used_delta_minor = CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END WHEN 'CARRY' THEN holder_id IS NOT NULL AND party_id IS NULL AND confirmed_delta_minor = 0 AND used_delta_minor <> 0 WHEN 'CONVERT' THEN confirmed_delta_minor < 0 AND used_delta_minor = CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END OR confirmed_delta_minor = 0 AND used_delta_minor > 0 AND holder_id IS NOT NULL END) NOT VALID;
DROP TRIGGER pools_guard ON pools;
ALTER TABLE pools RENAME COLUMN unit TO currency;
DO $$ BEGIN -- PostgreSQL 18 names these
  IF EXISTS (SELECT FROM pg_constraint WHERE conname = 'pools_unit_not_null') THEN
    ALTER TABLE pools RENAME CONSTRAINT pools_unit_not_null TO pools_currency_not_null;
  END IF;
END $$;
CREATE TRIGGER pools_guard
  BEFORE INSERT OR UPDATE OF id, currency, confirmed_minor, used_minor ON pools
  FOR EACH ROW EXECUTE FUNCTION guard_pool();
CREATE OR REPLACE FUNCTION guard_edge() RETURNS trigger LANGUAGE plpgsql AS $$
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
