"""`surnames rerun`: run a published run or a commit again, and compare with what it gave then."""
