"""Data: instruments, price histories, their sources, their validation and their store."""
