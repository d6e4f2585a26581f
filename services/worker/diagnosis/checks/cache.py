"""Whether the cache lies where its owner thinks, once."""

import shlex

from services.worker.diagnosis.checks.finding import Check
from services.worker.diagnosis.checks.remedies import of_cache_in_use
from shared.cache_choice import OLD_CACHE_FOLDERS
from shared.messages.message import Message, say
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts
from shared.reports.model_files import CacheVariable


def find_ignored_cache_variable(facts: LoadFacts) -> Finding | None:
    vain = [variable for variable in facts.cache.variables if _moves_cache_in_vain(variable, facts)]
    if not vain:
        return None
    wanted = vain[0].value
    copies = [copy for copy in facts.cache.copies if copy.folder.rstrip("/") == wanted.rstrip("/")]
    return Finding(
        id="ignored-cache-variable",
        severity="warning" if facts.in_hub_cache else "info",
        title=say("ignored-cache-variable-title", variable=vain[0].name),
        evidence=(
            *(_no_effect(variable) for variable in vain),
            say("cache-in-use", folder=facts.cache.folder, decided_by=facts.cache.decided_by),
            *(say("folder-holds-copy", folder=copy.folder, copy_bytes=copy.bytes) for copy in copies),
        ),
        remedies=(
            Remedy(action=say("unset-variable-after-move"), command=f"unset {vain[0].name}")
            if facts.cache.moved
            else Remedy(
                action=say("name-folder-in-hf-hub-cache"),
                command=f"export HF_HUB_CACHE={shlex.quote(wanted)}; unset {vain[0].name}",
            ),
        ),
    )


def find_setting_without_effect(facts: LoadFacts) -> Finding | None:
    vain = [
        variable
        for variable in facts.cache.variables
        if variable.effect == "ignored" and variable.name not in OLD_CACHE_FOLDERS
    ]
    if not vain:
        return None
    names = [variable.name for variable in vain]
    return Finding(
        id="setting-without-effect",
        severity="info",
        title=say("setting-without-effect-title", names=len(names), variables=names),
        evidence=tuple(_no_effect(variable) for variable in vain),
        remedies=(Remedy(action=say("remove-settings"), command=shlex.join(["unset", *names])),),
    )


def find_cached_twice(facts: LoadFacts) -> Finding | None:
    if not facts.in_hub_cache or not facts.cache.copies:
        return None
    entry = "models--" + facts.model.replace("/", "--")  # never the whole cache: somebody may delete it
    return Finding(
        id="cached-twice",
        severity="info",
        title=say("cached-twice-title"),
        evidence=(
            say("copy-in-use", folder=f"{facts.cache.folder}/{entry}"),
            *(
                say("another-copy", folder=f"{copy.folder}/{entry}", copy_bytes=copy.bytes)
                for copy in facts.cache.copies
            ),
        ),
        remedies=(
            Remedy(action=say("delete-copy-not-in-use"))
            if facts.cache.moved
            else Remedy(action=say("keep-copy-on-faster-disk")),
        ),
    )


def find_other_revisions(facts: LoadFacts) -> Finding | None:
    left = facts.cache.unreferenced_bytes or 0
    if left < 1_000_000:
        return None
    return Finding(
        id="other-revisions",
        severity="info",
        title=say("other-revisions-title", left_bytes=left),
        evidence=(
            say("revision-in-use", revision=facts.checkpoint.revision),
            say("revisions-cost-space"),
        ),
        remedies=(Remedy(action=say("remove-revisions"), command=_prune(facts)),),
    )


def find_conversion_leftover(facts: LoadFacts) -> Finding | None:
    """What transformers' automatic conversion of pickles downloaded beside the revision in use."""
    proposals = facts.cache.proposals
    if not proposals:
        return None
    safe = next((proposal for proposal in proposals if proposal.safetensors), None)
    helps = safe is not None and any("pickle" in file.format for file in facts.checkpoint.opened)
    use = Remedy(
        action=say("ask-for-converted-revision", revision=safe.revision)
        if helps and safe
        else say("remove-pull-requests"),
        command=None if helps else _prune(facts),
    )
    return Finding(
        id="conversion-leftover",
        severity="info",
        title=say("conversion-leftover-title"),
        evidence=tuple(
            say(
                "pull-request-with-safetensors"
                if proposal.safetensors
                else "pull-request-without-safetensors",
                revision=proposal.revision,
                request_bytes=proposal.bytes,
            )
            for proposal in proposals[:10]
        ),
        remedies=(
            use,
            Remedy(
                action=say("stop-asking-for-conversions"),
                command="export DISABLE_SAFETENSORS_CONVERSION=1",
            ),
        ),
    )


def find_copied_revisions(facts: LoadFacts) -> Finding | None:
    if facts.cache.linked is not False:
        return None
    return Finding(
        id="copied-revisions",
        severity="info",
        title=say("copied-revisions-title"),
        evidence=(
            say("files-are-no-links", folder=facts.checkpoint.folder),
            say("shared-file-lies-twice"),
            say("why-no-links"),
        ),
        remedies=(Remedy(action=say("cache-on-filesystem-with-links")),),
    )


def _no_effect(variable: CacheVariable) -> Message:
    return say("variable-has-no-effect", variable=variable.name, value=variable.value, reason=variable.reason)


def _prune(facts: LoadFacts) -> str:
    return shlex.join(["hf", "cache", "prune", *of_cache_in_use(facts)])


def _moves_cache_in_vain(variable: CacheVariable, facts: LoadFacts) -> bool:
    meant_to = variable.name in OLD_CACHE_FOLDERS and variable.effect == "ignored"
    outranked = (
        variable.name == "HUGGINGFACE_HUB_CACHE" and variable.effect == "outranked" and not facts.cache.moved
    )
    return (meant_to or outranked) and variable.value.rstrip("/") != facts.cache.folder.rstrip("/")


CHECKS = (
    Check(
        "ignored-cache-variable",
        "warning",
        "a variable such as TRANSFORMERS_CACHE that no longer moves the cache",
        find_ignored_cache_variable,
        explains=("slow-mount", "container-layer", "bandwidth-bound", "request-bound"),
    ),
    Check(
        "setting-without-effect",
        "info",
        "variables for faster loading that nothing reads",
        find_setting_without_effect,
    ),
    Check("cached-twice", "info", "the same model in two cache folders", find_cached_twice),
    Check("other-revisions", "info", "cached bytes of other revisions", find_other_revisions),
    Check(
        "conversion-leftover",
        "info",
        "pull requests' revisions, as automatic conversion leaves them",
        find_conversion_leftover,
    ),
    Check(
        "copied-revisions", "info", "a cache without links: every revision a full copy", find_copied_revisions
    ),
)
