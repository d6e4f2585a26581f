"""Which statuses OpenAI's own API has where ours differs: on the pages that its clients know."""

PAGES = ("/v1/files", "/v1/fine_tuning", "/v1/models")
UNPROCESSABLE, BAD_REQUEST = 422, 400


def status_on(path: str, status: int) -> int:
    """The status of a refusal on the page `path`: OpenAI answers 400 where the native API has 422.

    Its clients raise `BadRequestError` for it, which is what programs written for them catch.
    """
    if status == UNPROCESSABLE and any(path == page or path.startswith(f"{page}/") for page in PAGES):
        return BAD_REQUEST
    return status
