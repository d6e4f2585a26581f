"""How a step is to be computed: speed-ups, memory and speed of the device, and what was chosen."""
