"""The copy's tensors by Run:ai's model streamer, in an environment of its own."""

from pathlib import Path

from runai_model_streamer import SafetensorsStreamer

from bench.load_arms.loaded import Loaded


def load(model: Path, artifact: Path) -> Loaded:
    with SafetensorsStreamer() as streamer:
        streamer.stream_file(str(artifact / "model.safetensors"), owned=True)
        return Loaded([tensor for _, tensor in streamer.get_tensors()], streamer)
