"""Random faults on the whole real service, replayable from a seed, and an oracle that judges what came of it.

python -m tests.chaos --seed 7 --minutes 60 --json chaos.json
"""
