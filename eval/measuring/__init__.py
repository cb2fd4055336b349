"""Time, memory and the machine's peak: what a bench holds its figures against."""
