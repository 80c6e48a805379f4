-- Consignments on their way, other titles, freight and storage bills.

DROP TRIGGER receipt_lots_guard_goods ON receipt_lots;

DROP TABLE consignment_alarms, consignment_positions, consignment_lots, consignments;

DROP FUNCTION guard_goods_of_receipt, guard_consignments_state;
