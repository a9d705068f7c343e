"""What more than one reader shows: wording, tables, figures."""
