-- Takes 0004_collateral.sql back.
DROP TABLE prices;
DROP TABLE price_batches;
DROP TABLE price_entries;
DROP TABLE price_series;
