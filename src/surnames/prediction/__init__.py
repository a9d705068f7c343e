"""`surnames predict`: names in, languages out."""
