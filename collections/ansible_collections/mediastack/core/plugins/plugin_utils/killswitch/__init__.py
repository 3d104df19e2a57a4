"""The kill-switch as data: what may leave, as nftables text and as policy routing."""
