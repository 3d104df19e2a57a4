"""The Docker socket proxy: a filter by section, as the well-known images have it."""
