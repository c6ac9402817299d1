"""The truth: each norm in plain NumPy, forward and backward, one line of mathematics per line of code."""
