"""Development tools: generators and set-up helpers."""
