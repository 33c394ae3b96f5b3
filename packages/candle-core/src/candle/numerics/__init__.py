"""Numerical mathematics that array libraries lack, in the terms of the contract: functions of `xp` and arrays.

`candle.backends.derived` takes some of these into the contract; others are called by the ops they belong to.
"""
