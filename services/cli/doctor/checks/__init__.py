"""The doctor's checks: pure functions of the facts, in the order in which they are printed."""

from collections.abc import Callable

from services.cli.doctor.checks.card import check_card, check_driver
from services.cli.doctor.checks.compose import check_compose_files, check_webhooks_way_out
from services.cli.doctor.checks.engine import check_container_runtime
from services.cli.doctor.checks.finding import Finding
from services.cli.doctor.checks.folders import (
    check_data_folder,
    check_datasets_folder,
    check_disk_space,
    check_models_folder,
    check_repository,
)
from services.cli.doctor.checks.machine import check_memory, check_power, check_spill
from services.cli.doctor.checks.model_cache import check_cache_variables, check_host_cache, check_model_cache
from services.cli.doctor.checks.room import check_data_use, check_store_memory
from services.cli.doctor.checks.service import check_api, check_key, check_store, check_webhooks, check_worker
from services.cli.doctor.facts import Facts

CHECKS: tuple[Callable[[Facts], Finding], ...] = (
    check_store,
    check_api,
    check_key,
    check_worker,
    check_webhooks,
    check_card,
    check_driver,
    check_container_runtime,
    check_compose_files,
    check_webhooks_way_out,
    check_repository,
    check_data_folder,
    check_datasets_folder,
    check_models_folder,
    check_model_cache,
    check_cache_variables,
    check_host_cache,
    check_disk_space,
    check_data_use,
    check_store_memory,
    check_memory,
    check_spill,
    check_power,
)


def examine(facts: Facts) -> list[Finding]:
    """What every check finds."""
    return [check(facts) for check in CHECKS]
