"""The gate: runs every kind of check and counts what passed, failed and was skipped."""
