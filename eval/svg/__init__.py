"""Charts as SVG: shapes, scales, labels that do not cover each other, and the frame of a chart."""
