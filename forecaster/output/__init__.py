"""What a person sees: tables, pictures, reports."""
