"""The real qBittorrent in the clothes of the LinuxServer.io image."""
