"""What users do at the worst of times: cancel, pause, delete, repeat themselves, hang up."""

import random
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.chaos.fault import OF_A_JOB, fault
from tests.chaos.specs import OF_USERS

if TYPE_CHECKING:
    from tests.chaos.world import World

AWHILE = (0.5, 5.0)


@fault("users", weight=2, moments=OF_A_JOB)
def cancel_one(world: "World", chance: random.Random, seconds: float) -> bool:
    """The oldest that has not ended, twice as a rule."""
    jobs = world.open_jobs()[:1]
    for job_id in jobs * chance.randint(1, 2):
        world.user.order(job_id, "cancel")
    return bool(jobs)


@fault("users", weight=0.5)
def cancel_storm(world: "World", chance: random.Random, seconds: float) -> bool:
    """Submit some, cancel each after a random while, and one that is there already."""
    mine = [
        world.user.submit(OF_USERS, f"storm-{chance.randrange(2**48):x}") for _ in range(chance.randint(3, 6))
    ]
    victims = [*filter(None, mine), *world.open_jobs()[:1]]
    chance.shuffle(victims)
    for job_id in victims:
        time.sleep(chance.uniform(0, 0.3))
        world.user.order(job_id, "cancel")
    return True


@fault("users", weight=3, moments=OF_A_JOB, lasts=AWHILE)
def pause_one(world: "World", chance: random.Random, seconds: float) -> bool:
    jobs = world.open_jobs()
    if not jobs:
        return False
    job_id = jobs[0] if chance.random() < 0.7 else chance.choice(jobs)
    world.user.order(job_id, "pause")
    time.sleep(seconds)
    world.user.until_ordered(job_id, "resume")
    return True


@fault("users", weight=1, moments=OF_A_JOB, lasts=AWHILE)
def pause_all(world: "World", chance: random.Random, seconds: float) -> bool:
    if world.user.order_queue("pause"):
        began = time.time()
        time.sleep(seconds)
        world.history.note("held", began=began)
    world.user.until_queue_ordered("resume")
    return True


@fault("users", weight=1)
def delete_some(world: "World", chance: random.Random, seconds: float) -> bool:
    """One that has ended, perhaps, and one that has not: it is refused."""
    for jobs in (world.ended_jobs(), world.open_jobs()):
        if jobs:
            world.user.delete(chance.choice(jobs))
    return True


@fault("users", weight=2)
def submit_at_once(world: "World", chance: random.Random, seconds: float) -> bool:
    """The same request with the same key from several connections at once; some are cut before the answer."""
    key = f"twins-{chance.randrange(2**48):x}"
    world.user.submit_at_once(OF_USERS, key, times=chance.randint(2, 6), cut=chance.randint(0, 3))
    return True


@fault("users", weight=1)
def cut_upload(world: "World", chance: random.Random, seconds: float) -> bool:
    """A file whose sender dies halfway."""
    address = urlsplit(world.url)
    head = (
        f"POST /v1/files HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {world.key}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 10000000\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
    )
    row = b'{"text": "see you", "label": "a"}\n'
    try:
        with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
            connection.sendall(head.encode() + row * chance.randint(1, 30_000))
            time.sleep(chance.uniform(0, 1))
    except OSError:
        return False  # the API is away, or reads no more
    return True
