"""Collections, measures, reports: how good is it, and what does it cost."""
