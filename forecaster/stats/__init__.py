"""Statistical tests and distributions."""
