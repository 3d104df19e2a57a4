"""Stand-in of Jellyfin 12."""
