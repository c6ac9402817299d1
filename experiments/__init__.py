"""The headline results of the papers in miniature: functions that return plain figures, the same ones for the same seed."""
