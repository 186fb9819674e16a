"""Workflows: one file for each intent of a user."""
