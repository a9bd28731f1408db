"""The page: runs, the people in them, and what can be done with both, in a browser."""
