"""What the API, the worker and the command share: settings, schemas, the job record and its store."""
