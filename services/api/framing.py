"""What is wrong with a request that never reached the application, in words."""

from gunicorn.asgi import parser

from shared.messages.message import Message, say

MOST_SHOWN_CHARACTERS = 40


def framing_fault(error: BaseException | None, said: str) -> Message | str:
    """What a sender is told: `error` is what gunicorn's parser raised, `said` gunicorn's words for it."""
    seen = ascii(said[:MOST_SHOWN_CHARACTERS])  # of these the parser says nothing but what it saw
    match error:
        case parser.InvalidRequestMethod():
            return say("method-unreadable", method=seen)
        case parser.InvalidHTTPVersion():
            return say("version-not-spoken", version=seen)
        case parser.UnsupportedTransferCoding():
            return say("transfer-coding-unknown", coding=seen)
        case parser.InvalidHeaderName():
            return say("header-name-unreadable", name=seen)
        case parser.LimitRequestLine():
            return say("request-line-too-long")
        case parser.LimitRequestHeaders():
            return say("headers-too-many")
        case parser.ParseError():
            return say("request-unreadable", reason=said)
    return said
