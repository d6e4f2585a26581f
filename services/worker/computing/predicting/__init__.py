"""What a training will take, told before its first step: some layers are run on its rows, and counted."""
