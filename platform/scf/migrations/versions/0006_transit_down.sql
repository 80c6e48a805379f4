-- Consignments on their way, other titles, freight and storage bills.

DROP TABLE freight_settlement_parts, freight_settlements, freight_bill_items, freight_bills, storage_tariffs,
  payment_order_entries, payment_order_transfers;

DROP FUNCTION guard_settled_once, guard_days_billed, guard_freight_settlements_state, guard_freight_bills_state;

DROP TRIGGER receipt_lots_guard_goods ON receipt_lots;

DROP TABLE consignment_alarms, consignment_positions, consignment_lots, consignments;

DROP FUNCTION guard_goods_of_receipt, guard_consignments_state;
