"""Stand-ins of Seerr, and of Jellyseerr and Overseerr which it succeeds."""
