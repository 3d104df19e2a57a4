"""What all stand-ins share: start as an image would, serve HTTP, keep state in one file."""
