"""Training data: people as tracklets of crops."""
