"""Sends what is due: a thread of the API's process claims deliveries, and each has a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from services.api.webhooks.notice import body_of, headers_of
from services.api.webhooks.post import Answer, NotSent, post
from services.api.webhooks.schedule import next_wait
from shared.errors import StoreUnavailable, WrongField
from shared.messages.message import Message, say
from shared.messages.render import in_english
from shared.settings import Settings
from shared.steady_thread import SteadyThread
from shared.webhook_secret import signing_secrets
from shared.webhook_store import Due, Outcome, WebhookStore
from shared.webhook_url import WebhookUrl, may_be_private

LIMIT_SECONDS = 15.0  # of a try
LEASE_SECONDS = 60.0  # afterwards, one whose sender died is due again
POLL_SECONDS = 1.0
MOST_AT_ONCE = 8
STOP_SECONDS = 5.0  # what is sent meanwhile is recorded; later, it would be sent once more

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tried:
    """What a try came to. `asked_seconds`: how long the receiver wants us to wait."""

    outcome: Outcome
    answer_status: int | None = None
    problem: Message | None = None
    asked_seconds: float | None = None


class Sender:
    """One in each process of the API; the store gives each delivery to one of them."""

    def __init__(
        self, settings: Settings, store: WebhookStore, *, send: Callable[..., Answer] = post
    ) -> None:
        """Nothing is connected, and no secret made, before there is something to send."""
        self._settings, self._store, self._send = settings, store, send
        self._addresses = settings.webhook_urls
        self._under_way: dict[str, threading.Thread] = {}  # by address
        self._changed = threading.Event()
        self._thread = SteadyThread("webhooks", self._turn)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more, and wait a little for what is under way."""
        self._changed.set()
        self._thread.stop()
        ends = time.monotonic() + STOP_SECONDS
        for thread in list(self._under_way.values()):
            thread.join(max(0.0, ends - time.monotonic()))

    def send_due(self) -> int:
        """Send what is due now, in this thread; how many deliveries that were."""
        count = 0
        while claimed := self._claim(1):
            for due in claimed:
                self.deliver(due)
                count += 1
        return count

    def _turn(self) -> float:
        self._changed.clear()
        try:
            for due in self._claim(MOST_AT_ONCE - len(self._under_way)):
                self._begin(due)
        except StoreUnavailable as refusal:
            _log.debug("no webhook is sent: %s", refusal.message)
        self._changed.wait(POLL_SECONDS)
        return 0.0

    def _begin(self, due: Due) -> None:
        thread = threading.Thread(target=self._work, args=(due,), name="webhook", daemon=True)
        self._under_way[due.url] = thread
        try:
            thread.start()
        except RuntimeError:  # the machine has no room for one more; when the claim has ended it is due again
            self._under_way.pop(due.url)
            raise

    def _claim(self, most: int) -> list[Due]:
        busy = list(self._under_way)
        return self._store.claim_due(self._addresses, lease_seconds=LEASE_SECONDS, most=most, busy=busy)

    def _work(self, due: Due) -> None:
        try:
            self.deliver(due)
        except Exception:
            _log.exception("a webhook was not sent")
        finally:
            self._under_way.pop(due.url, None)
            self._changed.set()

    def deliver(self, due: Due) -> None:
        """One try, and its record."""
        claimed_at = time.monotonic()
        tried, host = self._try(due)
        wait = next_wait(due.tries + 1, tried.asked_seconds) if tried.outcome == "retried" else None
        outcome: Outcome = "given_up" if tried.outcome == "retried" and wait is None else tried.outcome
        fields = {"delivery": due.name, "host": host, "outcome": outcome, "status": tried.answer_status}
        if tried.problem:
            fields["why"] = in_english(tried.problem)
        _log.info("webhook", extra={"fields": fields})
        while True:
            try:
                self._store.settle(
                    due,
                    outcome,
                    host=host,
                    wait_seconds=wait or 0.0,
                    answer_status=tried.answer_status,
                    problem=tried.problem,
                )
                return
            except StoreUnavailable:
                if time.monotonic() - claimed_at > LEASE_SECONDS:
                    return  # it is due again, and is sent once more under the same id
                time.sleep(POLL_SECONDS)

    def _try(self, due: Due) -> tuple[Tried, str]:
        """What came of it, and which host that was."""
        try:
            target = WebhookUrl.read(due.url)
        except WrongField:  # a record that was damaged
            return Tried("given_up", problem=say("webhook-url-unreadable", url=due.url)), "?"
        body = body_of(due)
        try:
            headers = headers_of(due, body, signing_secrets(self._settings), time.time())
            answer = self._send(
                target,
                headers,
                body,
                may_be_private=may_be_private(target, self._addresses, self._settings.webhook_private_hosts),
                limit_seconds=LIMIT_SECONDS,
            )
        except NotSent as failure:
            return Tried("retried", problem=failure.said), target.place
        except (ValueError, OSError) as error:  # the file of secrets
            return Tried("retried", problem=say("webhook-not-signed", error=str(error))), target.place
        return judge(answer), target.place


def judge(answer: Answer) -> Tried:
    """2xx is a success, 410 ends all deliveries to the address, all else is a failure, a redirect too."""
    status = answer.status
    if 200 <= status < 300:
        return Tried("delivered", status)
    if status == 410:
        return Tried("gone", status, say("webhook-wants-no-more"))
    if 300 <= status < 400:
        return Tried("retried", status, say("webhook-leads-elsewhere", status=str(status)))
    asked = _seconds(answer.headers.get("Retry-After", ""))
    return Tried("retried", status, say("webhook-refused", status=str(status)), asked)


def _seconds(text: str) -> float | None:
    """Retry-After: seconds, or a date."""
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip()[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
