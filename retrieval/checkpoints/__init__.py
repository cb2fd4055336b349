"""Models on disk and on the hub: loaded without running foreign code."""
