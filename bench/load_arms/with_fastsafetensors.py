"""The copy's tensors by fastsafetensors, in an environment of its own."""

from pathlib import Path

import torch
from fastsafetensors import SafeTensorsFileLoader, SingleGroup

from bench.load_arms.loaded import Loaded


def load(model: Path, artifact: Path) -> Loaded:
    loader = SafeTensorsFileLoader(SingleGroup(), torch.device("cpu"), nogds=True)
    loader.add_filenames({0: [str(artifact / "model.safetensors")]})
    buffer = loader.copy_files_to_device()
    return Loaded([buffer.get_tensor(name) for name in buffer.key_to_rank_lidx], (loader, buffer))
