"""How a step is to be computed: levers, memory and speed of the device, and what was chosen."""
