"""Plugins that the wrapper gives to Ansible."""
