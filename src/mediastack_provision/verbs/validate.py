"""`validate`: judge the inventory on this machine."""
