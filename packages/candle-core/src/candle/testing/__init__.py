"""What tests of candle, of its plugins and of third parties' backends are built from.

`strict` registers two fake devices, `samples` has inputs for every op, and `backend_suite` is the suite
that every backend inherits.
"""
