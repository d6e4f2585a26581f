"""A report names the checks that found nothing, each in words."""

from services.worker.explaining.checks import CHECKS
from shared.messages.message import say
from shared.messages.render import told


def test_every_check_says_what_it_looked_for() -> None:
    for check in CHECKS:
        words = told(say("check-looks-for", check=check.id))
        assert words.lower() == f"{check.finds.lower()}."
