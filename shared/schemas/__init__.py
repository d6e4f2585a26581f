"""The requests and records that cross Tunedock's borders, as frozen pydantic models."""
