"""Whether the cache lies where its owner thinks, once."""

import shlex

from services.worker.diagnosis.checks.finding import Check
from services.worker.diagnosis.checks.remedies import of_cache_in_use
from shared.cache_choice import OLD_CACHE_FOLDERS
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts
from shared.reports.model_files import CacheVariable
from shared.units import size


def find_ignored_cache_variable(facts: LoadFacts) -> Finding | None:
    vain = [variable for variable in facts.cache.variables if _moves_cache_in_vain(variable, facts)]
    if not vain:
        return None
    wanted = vain[0].value
    copies = [copy for copy in facts.cache.copies if copy.folder.rstrip("/") == wanted.rstrip("/")]
    return Finding(
        id="ignored-cache-variable",
        severity="warning" if facts.in_hub_cache else "info",
        title=f"{vain[0].name} is set but does not move the cache",
        evidence=(
            *(f"{variable.name}={variable.value}: {variable.reason}" for variable in vain),
            f"the cache in use is {facts.cache.folder} (decided by {facts.cache.decided_by})",
            *(f"{copy.folder} holds a copy of this model, {size(copy.bytes)}" for copy in copies),
        ),
        remedies=(
            Remedy(action="unset it: a job moved the cache", command=f"unset {vain[0].name}")
            if facts.cache.moved
            else Remedy(
                action="name the folder in the variable that is read",
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
    names = " ".join(variable.name for variable in vain)
    return Finding(
        id="setting-without-effect",
        severity="info",
        title=f"{names.replace(' ', ', ')} changes nothing",
        evidence=tuple(f"{variable.name}={variable.value}: {variable.reason}" for variable in vain),
        remedies=(Remedy(action="remove what has no effect", command=f"unset {names}"),),
    )


def find_cached_twice(facts: LoadFacts) -> Finding | None:
    if not facts.in_hub_cache or not facts.cache.copies:
        return None
    entry = "models--" + facts.model.replace("/", "--")  # never the whole cache: somebody may delete it
    return Finding(
        id="cached-twice",
        severity="info",
        title="The model is cached more than once",
        evidence=(
            f"in use: {facts.cache.folder}/{entry}",
            *(f"also {copy.folder}/{entry}: {size(copy.bytes)}" for copy in facts.cache.copies),
        ),
        remedies=(
            Remedy(action="delete the copy that is not in use, if you are content with the one that is")
            if facts.cache.moved
            else Remedy(action="keep the copy on the faster disk, and name its folder in HF_HUB_CACHE"),
        ),
    )


def find_other_revisions(facts: LoadFacts) -> Finding | None:
    left = facts.cache.unreferenced_bytes or 0
    if left < 1_000_000:
        return None
    return Finding(
        id="other-revisions",
        severity="info",
        title=f"{size(left)} of the cache belong to other revisions of this model",
        evidence=(f"the revision in use is {facts.checkpoint.revision}", "they cost disk space, no time"),
        remedies=(Remedy(action="remove revisions that nothing names any more", command=_prune(facts)),),
    )


def find_conversion_leftover(facts: LoadFacts) -> Finding | None:
    """What transformers' automatic conversion of pickles downloaded beside the revision in use."""
    proposals = facts.cache.proposals
    if not proposals:
        return None
    safe = next((proposal for proposal in proposals if proposal.safetensors), None)
    helps = safe is not None and any("pickle" in file.format for file in facts.checkpoint.opened)
    use = Remedy(
        action=f"ask for that revision, which needs no conversion: {safe.revision}"
        if helps and safe
        else "remove them if nothing names them",
        command=None if helps else _prune(facts),
    )
    return Finding(
        id="conversion-leftover",
        severity="info",
        title="Pull requests of this model are in the cache, as transformers' own conversion leaves them",
        evidence=tuple(
            f"{proposal.revision}: {size(proposal.bytes)}, {'' if proposal.safetensors else 'no '}safetensors"
            for proposal in proposals[:10]
        ),
        remedies=(
            use,
            Remedy(
                action="keep other programs from asking for conversions, which sends them your token",
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
        title="The cache holds a full copy of each revision, for want of links",
        evidence=(
            f"the files in {facts.checkpoint.folder} are no links to blobs",
            "so a file that two revisions share lies there twice, and comes over the network twice",
            "filesystems without links (exFAT, some shares), Windows without its developer mode, and "
            "HF_HUB_DISABLE_SYMLINKS do that",
        ),
        remedies=(Remedy(action="keep the cache on a filesystem with links: ext4, xfs, btrfs, NTFS"),),
    )


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
