"""The firewall as data: who may reach which port of the server, as nftables text."""
