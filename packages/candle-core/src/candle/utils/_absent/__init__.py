"""What stands for siblings that are not installed: the last folder of `candle.__path__`."""
