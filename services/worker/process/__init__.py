"""The worker's processes: the main one, its child, and what keeps a job's promises while both may die."""
