"""One small file per package, by the contract in the README: it imports its own package and nothing of this project."""
