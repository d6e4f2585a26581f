"""The machine under the worker: its device, memory, disks and processors, seen and measured."""
