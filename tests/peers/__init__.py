"""Test equipment: the applications of the offline sandbox. Nothing here is ever shipped to an owner."""
