"""What stands at the register (登记) for a pledge: searched, filed, changed, reviewed, cancelled."""
