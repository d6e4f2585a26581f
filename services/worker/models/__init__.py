"""Base models: found, checked, read and kept in memory."""

import os

# transformers would ask a public service to convert `.bin` repositories, with the user's token, in a thread.
os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "1"
