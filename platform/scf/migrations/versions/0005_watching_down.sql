-- Devices, their readings by month, and stocktakes.

DROP TABLE
  stocktake_counts,
  stocktake_sides,
  stocktakes,
  stock_alarms,
  stock_checks,
  hour_closings,
  device_hours,
  reading_months,
  readings,
  reading_batches,
  devices;

DROP FUNCTION guard_readings, guard_device, guard_stocktakes_state;
