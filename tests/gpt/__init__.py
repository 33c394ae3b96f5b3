"""The main job: a GPT trained with candle follows the same one trained with PyTorch."""
