"""What a search takes beside its query, what it keeps, and what it measures."""
