"""Hardening: items, as data, become what is to be asked of a server and done there."""
