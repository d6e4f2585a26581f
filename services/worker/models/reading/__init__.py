"""Large files read as fast as their storage goes, and what the kernel keeps of them."""
