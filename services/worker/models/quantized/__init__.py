"""NF4: quantized while loading, kept on disk, and loaded from there."""
