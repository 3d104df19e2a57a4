"""Stand-in of gluetun 3.41: a real WireGuard tunnel in user space behind a real firewall that drops."""
