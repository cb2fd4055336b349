"""Charts as SVG: shapes, scales, labels that don't cover each other."""
