"""The command: runs the whole service on one machine, and talks to it as any client would."""
