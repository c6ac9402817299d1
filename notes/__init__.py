"""The code of five study notes on normalization, made to run; CLAIMS.md says what holds of what they claim."""
