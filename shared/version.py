"""The version of this Tunedock, as the project and its images carry it."""

VERSION = "0.1.0"
