"""One module per verb; each is imported when its verb runs."""
