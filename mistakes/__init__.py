"""Known mistakes: each norm with one thing wrong, to prove that the checks can fail and to name the cause when one does."""
