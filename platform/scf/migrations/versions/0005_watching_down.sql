-- Devices, their readings by month, and stocktakes.

DROP TABLE hour_closings, device_hours, reading_months, readings, reading_batches, devices;

DROP FUNCTION guard_readings, guard_device;
