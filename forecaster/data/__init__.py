"""Data: instruments, price histories, where they come from and where they are kept."""
