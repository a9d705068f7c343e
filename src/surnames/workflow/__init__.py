"""How a study is run, checked, compared and run again."""
