"""Arrays of rows of several texts, and the words of their windows."""
