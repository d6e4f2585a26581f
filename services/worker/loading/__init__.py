"""Loading base models: where their files lie, in which form, and how they get into memory."""

import os

# transformers would ask a public service to convert `.bin` repositories, with the user's token, in a thread.
os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "1"
