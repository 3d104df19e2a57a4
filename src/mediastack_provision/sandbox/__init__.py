"""Servers to try things on: a fresh Debian in a container, with an Internet of its own."""
