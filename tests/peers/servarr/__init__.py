"""Stand-ins of Sonarr, Radarr and Prowlarr: one code base, one file per application."""
