"""Output: documents, wording, tables, figures."""
