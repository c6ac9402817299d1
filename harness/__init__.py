"""The machinery: it loads implementations, makes inputs, derives bounds, compares, and reports."""
