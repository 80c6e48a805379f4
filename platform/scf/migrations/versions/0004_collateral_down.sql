-- Takes 0004_collateral.sql back.
DROP TABLE control_notices;
DROP TABLE surplus_returns;
DROP TABLE disposals;
DROP TABLE margin_calls;
DROP TABLE mark_lines;
DROP TABLE marks;
DROP TABLE control_insurances;
DROP TABLE control_debts;
DROP TABLE controlled_pledges;
DROP TABLE control_agreements;
DROP TABLE prices;
DROP TABLE price_batches;
DROP TABLE price_entries;
DROP TABLE price_series;
DROP FUNCTION guard_margin_calls_state;
DROP FUNCTION guard_control_agreements_state;
