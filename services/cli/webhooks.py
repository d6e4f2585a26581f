"""`webhooks`: what addresses were told of jobs that ended, and once more what they were not."""

import argparse
from typing import Any

from services.cli.dates import clock
from services.cli.options import Commands, add_client_command, positive
from services.cli.server import connect
from services.cli.terminal import Terminal
from shared.messages.message import say, stored
from shared.messages.render import told
from shared.settings import Settings

COLUMNS = ("id", "status", "tries", "next-try", "address", "why")
KEPT = ("id", "status", "why", "address", "next-try", "tries")
LIMIT = 20


def add_commands(commands: Commands) -> None:
    webhooks = add_client_command(commands, "webhooks", say("help-webhooks-row"))
    webhooks.add_argument("--resend", metavar="DELIVERY", help=stored(say("help-webhooks-resend-row")))
    webhooks.add_argument(
        "--limit", type=positive, default=LIMIT, metavar="N", help=stored(say("help-webhooks-limit-row"))
    )
    webhooks.set_defaults(run=show_webhooks)


def show_webhooks(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with connect(settings) as client:
        if arguments.resend is not None:
            delivery = client.resend(arguments.resend)
            terminal.emit(delivery)
            terminal.say(say("webhook-is-sent-row", delivery=delivery["id"], address=delivery["url"]))
            return 0
        deliveries = client.deliveries(limit=arguments.limit)
    terminal.emit(deliveries)
    if deliveries:
        terminal.table(COLUMNS, [_row(one) for one in deliveries], keep=KEPT)
    else:
        terminal.say(say("no-webhooks-sent"))
    return 0


def _row(delivery: dict[str, Any]) -> tuple[str, ...]:
    return (
        delivery["id"],
        told(say("delivery-status-row", status=delivery["status"])),
        str(delivery["tries"]),
        clock(delivery["next_try_at"] or 0),
        delivery["url"],
        delivery["problem"] or "",
    )
