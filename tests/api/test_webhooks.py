"""Webhooks: each job's end is told, signed, again until it is heard, and to nobody else."""

import json
import logging
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import jsonschema  # type: ignore[import-untyped, unused-ignore]
import openai
import pytest

from services.api.webhooks.post import post
from services.api.webhooks.schedule import WAITS
from services.api.webhooks.sender import Sender
from shared.messages.message import say
from shared.repair_store import RepairStore
from shared.settings import Settings
from shared.webhook_secret import secret_texts
from shared.webhook_store import WebhookStore
from tests.api.conftest import Api, make_api
from tests.api.receiver import Receiver, receiver
from tests.api.server import serve
from tests.ledger import submit
from tests.stack import wait_until
from tests.valkey import Valkey

DUE = "tunedock:webhooks:due"


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as here:
        yield here


def telling(api: Api, there: Receiver, **more: Any) -> Sender:
    """A sender that tells the receiver of every job; each test's own time passes by `let_time_pass`."""
    settings = api.settings.model_copy(update={"webhook_urls": (there.url,), **more})
    sender = Sender(settings, WebhookStore.of(api.store))
    sender.send_due()  # from now on the store knows the address
    return sender


def ended(api: Api, status: str = "succeeded", **fields: Any) -> str:
    job_id = str(api.submitted(**fields)["id"])
    error = {"code": "x", "message": "y", "remedy": "z"} if status == "failed" else None
    api.store.finish(api.claim(), status, message="Done", result={}, error=error)  # type: ignore[arg-type]
    return job_id


def let_time_pass(api: Api) -> None:
    """Everything that waits for its time is due."""
    for name in cast("list[str]", api.store._redis.zrange(DUE, 0, -1)):
        api.store._redis.zadd(DUE, {name: 0})


def unwrapped(settings: Settings, received: Any) -> Any:
    """As OpenAI's own client reads it, which checks the signature. Raises if it is none of ours."""
    client = openai.OpenAI(api_key="none", webhook_secret=secret_texts(settings)[0])
    return client.webhooks.unwrap(received.body, received.headers)


def delivery(api: Api) -> dict[str, Any]:
    [found] = api.get("/v1/webhooks/deliveries").get_json()["data"]
    return dict(found)


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_a_fine_tuning_that_ends_is_told_as_openai_s_client_reads_it(
    api: Api, there: Receiver, status: str
) -> None:
    sender = telling(api, there)
    if status == "cancelled":
        job_id = str(api.submitted()["id"])
        api.post(f"/v1/jobs/{job_id}/cancel")
    else:
        job_id = ended(api, status)
    assert sender.send_due() == 1
    assert sender.send_due() == 0
    [received] = there.received
    event = unwrapped(api.settings, received)
    assert (event.type, event.data.id, event.object) == (f"fine_tuning.job.{status}", job_id, "event")
    assert type(event).__name__ == f"FineTuningJob{status.title()}WebhookEvent"
    assert (event.id, received.path) == (received.id, "/hook")
    assert json.loads(received.body).keys() == {"id", "object", "type", "created_at", "data"}
    assert abs(event.created_at - time.time()) < 30
    shown = delivery(api)
    assert (shown["status"], shown["tries"], shown["answer_status"]) == ("delivered", 1, 204)
    assert (shown["job_id"], shown["event_id"], shown["problem"]) == (job_id, received.id, None)


def test_what_arrives_is_what_the_reference_says(api: Api, there: Receiver) -> None:
    sender = telling(api, there)
    ended(api)
    sender.send_due()
    [received] = there.received
    told = api.get("/openapi.json").get_json()["webhooks"]["job_ended"]["post"]
    jsonschema.validate(
        json.loads(received.body), told["requestBody"]["content"]["application/json"]["schema"]
    )
    assert {one["name"] for one in told["parameters"]} <= received.headers.keys()


def test_an_event_of_another_kind_of_job_has_a_name_of_the_same_form(api: Api, there: Receiver) -> None:
    sender = telling(api, there)
    answer = api.post("/v1/jobs", json={"kind": "load_diagnostic", "model": "tiny"})
    api.post(f"/v1/jobs/{answer.get_json()['id']}/cancel")
    sender.send_due()
    [received] = there.received
    assert unwrapped(api.settings, received).type == "load_diagnostic.job.cancelled"


def test_a_changed_body_and_another_secret_are_refused_by_the_client(api: Api, there: Receiver) -> None:
    sender = telling(api, there)
    ended(api)
    sender.send_due()
    [received] = there.received
    client = openai.OpenAI(api_key="none", webhook_secret=secret_texts(api.settings)[0])
    for body, secret in ((received.body + " ", None), (received.body, "whsec_" + "A" * 40)):
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.unwrap(body, received.headers, secret=secret)


def test_every_secret_of_the_file_signs_so_that_receivers_can_change_over(api: Api, there: Receiver) -> None:
    path = api.settings.data_dir / "secrets"
    secrets = ["whsec_" + letter * 40 for letter in "AB"]
    path.write_text("# newest first\n" + "\n".join(secrets) + "\n")
    sender = telling(api, there, webhook_secrets_file=path)
    ended(api)
    sender.send_due()
    [received] = there.received
    client = openai.OpenAI(api_key="none")
    for secret in secrets:
        client.webhooks.verify_signature(received.body, received.headers, secret=secret)


def test_a_job_tells_its_own_address_too_and_an_address_once(api: Api, there: Receiver) -> None:
    with receiver() as other:
        hosts = {"webhook_private_hosts": ("127.0.0.1",)}
        open_api = make_api(api.settings.model_copy(update=hosts), api.store)
        sender = telling(open_api, there, **hosts)
        first = ended(open_api, webhook=other.url)
        second = ended(open_api, webhook=there.url)
        assert sender.send_due() == 3
        assert [json.loads(one.body)["data"]["id"] for one in other.received] == [first]
        assert [json.loads(one.body)["data"]["id"] for one in there.received] == [first, second]
        assert other.received[0].id == there.received[0].id  # one event, two addresses


def test_where_no_address_is_named_nothing_is_written(api: Api) -> None:
    ended(api)
    assert [key for key in api.store._redis.scan_iter() if "webhook" in key] == []
    assert api.get("/v1/webhooks/deliveries").get_json() == {"object": "list", "data": [], "has_more": False}
    assert not (api.settings.data_dir / "webhook.secret").exists()


def test_what_a_receiver_that_is_away_missed_comes_from_the_next_sender_under_the_same_id(api: Api) -> None:
    with receiver() as there:
        port = there.port
        telling(api, there)
    ended(api)
    assert telling(api, there).send_due() == 0  # tried while it was set up
    shown = delivery(api)
    assert (shown["status"], shown["tries"], shown["answer_status"]) == ("pending", 1, None)
    assert f"no connection to 127.0.0.1:{port}" in shown["problem"]
    assert 5 <= shown["next_try_at"] - shown["tried_at"] < 5.6
    with receiver(port) as back:
        let_time_pass(api)
        assert telling(api, back).send_due() == 0
        [received] = back.received
        assert received.id == shown["event_id"]
        unwrapped(api.settings, received)
    assert delivery(api)["status"] == "delivered"


def test_a_sender_that_dies_before_it_wrote_down_a_success_leaves_it_to_be_sent_again(
    api: Api, there: Receiver
) -> None:
    sender = telling(api, there)
    ended(api)

    class Died(BaseException):
        pass

    def send_and_die(*arguments: Any, **more: Any) -> Any:
        sender._send(*arguments, **more)
        raise Died

    dying = Sender(sender._settings, WebhookStore.of(api.store), send=send_and_die)
    with pytest.raises(Died):
        dying.send_due()
    assert sender.send_due() == 0  # it is claimed, and nobody can know that its sender is dead
    let_time_pass(api)
    assert sender.send_due() == 1
    assert len(there.received) == 2
    assert len({(one.id, one.body) for one in there.received}) == 1
    assert (delivery(api)["status"], delivery(api)["tries"]) == ("delivered", 1)


def test_two_senders_share_the_deliveries_and_what_a_lost_claim_came_to_is_refused(
    api: Api, there: Receiver
) -> None:
    telling(api, there)
    ended(api)
    store, more = WebhookStore.of(api.store), {"lease_seconds": 60, "most": 8}
    [early] = store.claim_due([there.url], **more)  # type: ignore[arg-type]
    assert store.claim_due([there.url], **more) == []  # type: ignore[arg-type]
    let_time_pass(api)
    [late] = store.claim_due([there.url], **more)  # type: ignore[arg-type]
    assert late.claim == early.claim + 1
    assert store.settle(early, "retried", host="h", wait_seconds=9) == "fenced"
    assert [store.settle(late, "delivered", host="h") for _ in range(2)] == ["ok", "already"]
    assert delivery(api)["tries"] == 1


def test_of_one_address_one_is_under_way_and_others_do_not_wait_for_it(api: Api, there: Receiver) -> None:
    with receiver() as other:
        telling(api, there, webhook_urls=(there.url, other.url))
        for _ in range(3):
            ended(api)
        store, urls = WebhookStore.of(api.store), [there.url, other.url]
        claimed = store.claim_due(urls, lease_seconds=60, most=8)
        assert sorted(due.url for due in claimed) == sorted(urls)
        [next_one] = store.claim_due(urls, lease_seconds=60, most=8, busy=[there.url])
        assert next_one.url == other.url


def test_it_is_tried_ten_times_within_three_days_then_given_up_with_an_event_of_the_job(
    api: Api, there: Receiver
) -> None:
    sender = telling(api, there)
    job_id = ended(api)
    waited, shown = [], delivery(api)
    for _ in range(10):
        there.answer(500)
        assert sender.send_due() == 1
        shown = delivery(api)
        if shown["next_try_at"]:
            waited.append(shown["next_try_at"] - shown["tried_at"])
        let_time_pass(api)
    assert sender.send_due() == 0
    assert len(waited) == len(WAITS)
    assert all(wait <= real <= 1.1 * wait + 0.01 for wait, real in zip(WAITS, waited, strict=True))
    assert (shown["status"], shown["tries"], shown["answer_status"]) == ("failed", 10, 500)
    assert shown["problem"] == "The address answered HTTP 500."
    assert len({one.id for one in there.received}) == 1
    event = api.get(f"/v1/jobs/{job_id}/events").get_json()["data"][0]
    assert event["data"] == {"code": "webhook_given_up", "delivery": f"{job_id}.1"}
    assert event["message"].startswith(f"The webhook to 127.0.0.1:{there.port} was given up after 10 tries.")


def test_a_delivery_that_was_given_up_is_sent_once_more_when_asked(api: Api, there: Receiver) -> None:
    sender = telling(api, there)
    job_id = ended(api)
    for _ in range(10):
        there.answer(500)
        sender.send_due()
        let_time_pass(api)
    answer = api.post(f"/v1/webhooks/deliveries/{job_id}.1/resend")
    assert (answer.status_code, answer.get_json()["status"], answer.get_json()["tries"]) == (
        202,
        "pending",
        0,
    )
    assert sender.send_due() == 1
    assert delivery(api)["status"] == "delivered"
    for unknown in (f"{job_id}.2", "nothing"):
        assert api.post(f"/v1/webhooks/deliveries/{unknown}/resend").status_code == 404


def test_a_receiver_says_how_long_to_wait(api: Api, there: Receiver) -> None:
    sender = telling(api, there)
    ended(api)
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3600))
    for status, text, least, most in (
        (429, "100", 100, 101),
        (503, later, 3590, 3601),
        (503, "999999999999", 86_400, 86_401),
        (429, "soon", 2 * 3600, 2.3 * 3600),
    ):
        there.answer(status, Retry_After=text)
        let_time_pass(api)
        assert sender.send_due() == 1
        shown = delivery(api)
        assert least <= shown["next_try_at"] - shown["tried_at"] <= most, text


def test_a_redirect_is_a_failure_and_is_not_followed(api: Api, there: Receiver) -> None:
    sender = telling(api, there)
    ended(api)
    with receiver() as elsewhere:
        for status in (301, 302, 303, 307, 308):
            there.answer(status, Location=elsewhere.url)
            let_time_pass(api)
            sender.send_due()
            shown = delivery(api)
            assert (shown["status"], shown["answer_status"]) == ("pending", status)
            assert "leads elsewhere" in shown["problem"]
        assert elsewhere.received == []


def test_an_address_that_wants_no_more_gets_no_more_until_one_that_is_asked_for_succeeds(
    api: Api, there: Receiver
) -> None:
    sender = telling(api, there)
    first = ended(api)
    there.answer(410)
    sender.send_due()
    assert delivery(api)["status"] == "failed"
    second = ended(api)
    assert sender.send_due() == 0
    shown = api.get("/v1/webhooks/deliveries").get_json()["data"]
    assert [(one["job_id"], one["status"]) for one in shown] == [(second, "off"), (first, "failed")]
    api.post(f"/v1/webhooks/deliveries/{second}.1/resend")
    assert sender.send_due() == 1
    ended(api)
    assert sender.send_due() == 1
    assert len(there.received) == 3


def test_no_job_is_told_of_twice_however_it_is_ended(api: Api, there: Receiver) -> None:
    sender = telling(api, there)
    first = str(api.submitted()["id"])
    waiting = str(api.submitted(after=[first])["id"])  # ends with the first
    claim = api.claim()
    for _ in range(2):
        api.store.finish(claim, "failed", message="No", error={"code": "x", "message": "y", "remedy": "z"})
    api.post(f"/v1/jobs/{waiting}/cancel")
    assert sender.send_due() == 2
    assert {json.loads(one.body)["data"]["id"] for one in there.received} == {first, waiting}


def test_what_was_made_goes_with_its_job_and_what_is_to_be_made_goes_afterwards(
    api: Api, there: Receiver
) -> None:
    sender = telling(api, there)
    done, open_one = ended(api), ""
    sender.send_due()
    there.answer(500)
    open_one = ended(api)
    sender.send_due()
    for job_id in (done, open_one):
        assert api.delete(f"/v1/jobs/{job_id}").status_code == 200
    assert delivery(api)["job_id"] == open_one
    let_time_pass(api)
    sender.send_due()
    assert json.loads(there.received[-1].body)["data"]["id"] == open_one
    keys = [key for key in api.store._redis.scan_iter() if "webhook" in key]
    assert keys == ["tunedock:webhooks"]


def test_a_record_that_is_made_again_is_told_again_only_if_it_ended_lately_and_was_lost_with_its_delivery(
    api: Api, there: Receiver
) -> None:
    sender = telling(api, there)
    job_id = ended(api)
    sender.send_due()
    store = RepairStore.of(api.store)
    record = cast("dict[str, str]", api.store._redis.hgetall(f"tunedock:job:{job_id}"))
    fields = {name: value for name, value in record.items() if name not in ("number", "event_count")}
    api.store._redis.unlink(f"tunedock:job:{job_id}")
    made = say("job-resumed")
    assert store.rebuild(job_id, fields, made)
    assert sender.send_due() == 0  # its delivery is there: it was told
    for days, sent in ((1, 1), (4, 0)):
        store.forget(job_id)
        fields["finished_at"] = str(round((time.time() - days * 86_400) * 1000))
        assert store.rebuild(job_id, fields, made)
        assert sender.send_due() == sent
    assert len({one.id for one in there.received}) == 1


def test_what_is_due_survives_a_backup(api: Api, there: Receiver) -> None:
    there.answer(500)
    sender = telling(api, there)
    ended(api)
    sender.send_due()
    store = RepairStore.of(api.store)
    entries = list(store.snapshot())
    store.clear()
    store.load(entries)
    let_time_pass(api)
    assert sender.send_due() == 1
    assert len({one.id for one in there.received}) == 1


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.1/hook", "TUNEDOCK_WEBHOOK_PRIVATE_HOSTS"),
        ("https://[::ffff:10.0.0.1]/", "a private network"),
        ("https://user:word@example.com/", "can't have a user name"),
        ("ftp://example.com/", "begins with http:// or https://"),
        ("https://ex\r\nample.com/", "begins with http:// or https://"),
    ],
)
def test_an_address_that_is_private_or_none_is_refused_at_once_with_what_to_do(
    api: Api, url: str, says: str
) -> None:
    native = api.post("/v1/jobs", json={"kind": "load_diagnostic", "model": "tiny", "webhook": url})
    body = {"model": "tiny", "training_file": "file-0", "webhook": url}
    openais = api.post("/v1/fine_tuning/jobs", json=body)
    assert (native.status_code, openais.status_code) == (422, 400)
    for answer in (native, openais):
        assert answer.get_json()["error"]["param"] == "webhook"
        assert says in answer.get_json()["detail"]


def test_a_public_address_is_taken_by_both_apis(api: Api) -> None:
    url = "https://example.com/hook?a=1"
    assert api.submitted(webhook=url)["request"]["webhook"] == url
    body = {"model": "tiny", "training_file": api.uploaded(), "webhook": url}
    answer = api.post("/v1/fine_tuning/jobs", json=body)
    assert answer.status_code == 200, answer.text
    assert api.store.get(answer.get_json()["id"]).request["webhook"] == url


def test_a_name_that_leads_to_a_private_address_is_refused_when_it_is_sent(api: Api, there: Receiver) -> None:
    """The stranger who owns a name may point it wherever he likes, and elsewhere a moment later."""
    found: dict[str, list[str]] = {"now": []}

    def send(*arguments: Any, **more: Any) -> Any:
        return post(*arguments, **more, lookup=lambda *_, **__: found["now"])

    sender = Sender(api.settings, WebhookStore.of(api.store), send=send)
    ended(api, webhook=f"http://name.example:{there.port}/hook")
    for addresses in (["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"]):
        found["now"] = addresses
        let_time_pass(api)
        assert sender.send_due() == 1
        assert f"name.example leads to {addresses[-1]}" in delivery(api)["problem"]
    assert there.received == []
    allowed = api.settings.model_copy(update={"webhook_private_hosts": ("name.example",)})
    found["now"] = ["127.0.0.1"]
    let_time_pass(api)
    Sender(allowed, WebhookStore.of(api.store), send=send).send_due()
    [received] = there.received
    assert received.headers["host"] == f"name.example:{there.port}"


def test_a_proxy_of_the_environment_is_not_asked(
    api: Api, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        sender = telling(api, there)
        ended(api)
        sender.send_due()
        assert (len(there.received), proxy.received) == (1, [])


def test_the_secret_is_the_owner_s_alone_and_in_no_log(
    api: Api, there: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sender = telling(api, there)
    ended(api)
    there.answer(500)
    sender.send_due()
    let_time_pass(api)
    sender.send_due()
    path = api.settings.data_dir / "webhook.secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", path.read_text())
    logged = caplog.text + repr([record.__dict__ for record in caplog.records])
    assert "webhook" in logged
    assert secret_texts(api.settings)[0].removeprefix("whsec_") not in logged
    assert "/hook" not in logged  # a path may be a secret, too


def test_metrics_count_what_was_sent_and_what_is_due(api: Api, there: Receiver) -> None:
    sender = telling(api, there)
    ended(api)
    sender.send_due()
    there.answer(500)
    ended(api)
    sender.send_due()
    text = api.client.get("/metrics", base_url=f"http://127.0.0.1:{api.settings.api_metrics_port}").text
    lines = [line for line in text.splitlines() if line.startswith("tunedock_webhook")]
    assert lines == [
        'tunedock_webhook_tries_total{result="delivered"} 1.0',
        'tunedock_webhook_tries_total{result="retried"} 1.0',
        'tunedock_webhook_tries_total{result="given_up"} 0.0',
        "tunedock_webhooks_due 1.0",
        "tunedock_webhooks_failed 0.0",
    ]


def test_deliveries_that_are_given_up_or_off_are_counted_until_they_are_sent_or_gone(
    api: Api, there: Receiver
) -> None:
    def failed() -> int:
        return api.store.census().webhooks_failed

    sender = telling(api, there)
    there.answer(410)
    first = ended(api)
    sender.send_due()
    assert (delivery(api)["status"], failed()) == ("failed", 1)
    second = ended(api)
    assert sender.send_due() == 0
    assert failed() == 2  # the address wants no more
    for job_id in (first, second):
        api.post(f"/v1/webhooks/deliveries/{job_id}.1/resend")
    assert failed() == 0
    assert sender.send_due() == 2
    there.answer(410)
    third = ended(api)
    sender.send_due()
    assert failed() == 1
    assert api.delete(f"/v1/jobs/{third}").status_code == 200
    assert failed() == 0


def test_a_list_goes_on_after_its_last_delivery(api: Api, there: Receiver) -> None:
    telling(api, there)
    jobs = [ended(api) for _ in range(3)]
    seen: list[dict[str, Any]] = []
    for left in (True, True, False):
        query = {"limit": 1, **({"after": seen[-1]["id"]} if seen else {})}
        page = api.get("/v1/webhooks/deliveries", query_string=query).get_json()
        seen += page["data"]
        assert page["has_more"] is left
    assert [one["job_id"] for one in seen] == jobs[::-1]
    assert api.get("/v1/webhooks/deliveries?after=nothing").status_code == 404


def test_the_server_sends_by_itself_and_what_a_killed_one_was_sending_comes_again(
    tmp_path: Path, valkey: Valkey, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNEDOCK_WEBHOOK_URLS", there.url)
    with serve(tmp_path, valkey) as server:
        server.store._redis.flushall()
        wait_until(lambda: server.store._redis.get("tunedock:webhooks") == json.dumps([there.url]))
        there.waits_seconds = 30.0  # until it is killed
        job_id = submit(server.store).id
        server.store.cancel(job_id)
        wait_until(lambda: len(there.received) == 1)
        there.waits_seconds = 0.0
        pid = server.process.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        server.store._redis.zadd(DUE, {f"{job_id}.1": 0})  # its lease is over
        wait_until(lambda: len(there.received) == 2)
        store = WebhookStore.of(server.store)
        wait_until(lambda: store.deliveries(limit=1)[0][0].status == "delivered")
        assert len({(one.id, one.body) for one in there.received}) == 1
        settings = Settings(data_dir=server.data_dir)
        assert unwrapped(settings, there.received[1]).data.id == job_id
