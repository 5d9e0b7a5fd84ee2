"""Which test makes which fault, and how often: for every push, and for a night."""

from __future__ import annotations

from dataclasses import dataclass, field

Pair = tuple[int, int]
"""For a push, for a night."""


@dataclass(frozen=True, slots=True)
class Case:
    """Tests below ``tests/`` that run `times` in one process, or divided among `parts` of them at night."""

    tests: str
    times: Pair = (1, 1)
    settings: dict[str, Pair] = field(default_factory=dict)
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Fault:
    """A row of the table: how many faults are asked for, and the cases that make them."""

    number: str
    what: str
    asked: Pair
    cases: tuple[Case, ...]


def _setting(**values: Pair) -> dict[str, Pair]:
    return {f"TRACKTION_FAULT_{name.upper()}": pair for name, pair in values.items()}


_FILES = _setting(files=(2000, 2000))
_SCENARIO = "watcher/test_scenarios.py::test_"
_HOSTS = "faults/test_hosts.py::test_"
_RABBIT = "publish/test_rabbitmq.py::test_"

FAULTS = (
    Fault(
        "F1",
        "host killed with SIGKILL at random moments, 2 000 files or more each time",
        (100, 1000),
        (Case("faults/test_kill.py::test_killed_at_random_moments", (1, 5), _FILES | _setting(kills=(100, 200)), 2),),
    ),
    Fault(
        "F2",
        "host killed at each of 27 named places",
        (27, 27 * 20),
        (Case("faults/test_kill.py::test_killed_at_each_failpoint", (1, 2), _setting(deaths=(1, 10)), 2),),
    ),
    Fault(
        "F3",
        "files in isolated workers, one in twenty ends its worker (SIGSEGV, abort, exit, SIGKILL)",
        (2000, 20_000),
        (
            Case("faults/test_workers.py::test_one_in_twenty_crashes", (1, 1), _setting(workers=(2000, 20_000))),
            Case("faults/test_workers.py::test_poison_files_under_a_watcher", (1, 10)),
        ),
    ),
    Fault(
        "F4",
        "workers that hang: ignore SIGTERM, are stopped, spin",
        (20, 200),
        (Case("faults/test_workers.py::test_workers_that_hang_are_ended_in_time", (1, 1), _setting(stuck=(20, 200))),),
    ),
    Fault(
        "F5",
        "workers that ask for more memory than they may have",
        (20, 200),
        (
            Case(
                "faults/test_workers.py::test_workers_that_eat_memory_do_not_cost_the_host",
                (1, 2),
                _setting(stuck=(20, 100)),
                2,
            ),
        ),
    ),
    Fault("F6", "disk full", (20, 200), (Case("faults/test_storage_trouble.py::test_full_disk", (20, 200), parts=4),)),
    Fault(
        "F7",
        "database locked by another process",
        (20, 200),
        (Case("faults/test_storage_trouble.py::test_locked_database", (6, 60), parts=3),),
    ),
    Fault(
        "F9",
        "PostgreSQL restarted (fast and immediate), connections ended, pool full, a host killed",
        (20, 200),
        (
            Case(
                "faults/test_postgres.py::test_server_restarts_in_the_middle",
                (2, 20),
                _FILES | _setting(restarts=(10, 10)),
                4,
            ),
            Case("faults/test_postgres.py::test_two_hosts_of_which_one_is_killed_again_and_again", (1, 10), parts=2),
            Case(
                "storage/test_postgres.py::test_a_killed_connection_is_not_noticed"
                " storage/test_postgres.py::test_a_full_pool_and_a_held_lock_are_busy",
                (1, 20),
            ),
        ),
    ),
    Fault(
        "F11",
        "RabbitMQ away, frozen, cut off in the middle, refusing, without a queue; consumers cut off",
        (50, 500),
        (
            Case(f"{_RABBIT}broker_that_comes_and_goes_gets_everything_in_order", (6, 60), parts=6),
            Case(f"{_RABBIT}from_the_folder_to_the_other_end", (1, 20)),
            Case(f"{_RABBIT}what_no_queue_takes_is_an_error {_RABBIT}what_the_queue_refuses_is_an_error", (3, 25)),
            Case("publish/test_relay.py", (1, 20)),
        ),
    ),
    Fault(
        "F12",
        "clock forward and back by a day, and to 1970",
        (20, 100),
        (Case("faults/test_system.py::test_clock_jumps", (7, 34), parts=2),),
    ),
    Fault(
        "F14",
        "EIO, EACCES, ENOENT, ESTALE, EMFILE at six places",
        (30, 300),
        (
            Case("faults/test_system.py::test_system_calls_that_fail", (1, 10), parts=2),
            Case("faults/test_system.py::test_folder_that_may_not_be_read_does_not_stop_the_others", (1, 10)),
        ),
    ),
    Fault(
        "F15",
        "process stopped while 20 000 files are made",
        (3, 20),
        (Case("faults/test_system.py::test_storm_while_stopped", (3, 20), _setting(storm=(20_000, 20_000)), 2),),
    ),
    Fault(
        "F16",
        "bursts of 1 000, 10 000 and 50 000, 1 000 unpacked folders, deep trees, moved and renamed folders, churn",
        (8, 80),
        (
            Case(f"{_SCENARIO}large_burst", (1, 10), _setting(burst=(10_000, 10_000))),
            Case(f"{_SCENARIO}large_burst", (1, 10), _setting(burst=(50_000, 50_000))),
            Case(
                " ".join(
                    _SCENARIO + name
                    for name in (
                        "burst_of_a_thousand",
                        "unpacked_tree",
                        "deep_folders_and_files_at_once",
                        "folders_moved_in",
                        "renamed_folders_keep_their_work",
                        "part_files_renamed",
                        "churn_of_three_writers",
                    )
                ),
                (1, 10),
                _setting(scale=(10, 10)),
                2,
            ),
        ),
    ),
    Fault(
        "F17",
        "no watches left, no instance to be had, the kernel's own limit",
        (3, 30),
        (
            Case(
                "faults/test_system.py::test_watches_run_out faults/test_system.py::test_no_instance_to_be_had"
                " faults/test_system.py::test_real_watch_limit",
                (1, 10),
            ),
        ),
    ),
    Fault(
        "F18",
        "root removed and back, replaced by an empty folder, appearing later",
        (6, 50),
        (
            Case(
                f"{_SCENARIO}root_removed_and_back {_SCENARIO}root_replaced_by_an_empty_folder_and_filled_again"
                f" {_SCENARIO}root_that_appears_later",
                (2, 25),
            ),
        ),
    ),
    Fault(
        "F19",
        "1 000 files added, changed with the same size, deleted and moved while down",
        (5, 50),
        (Case(f"{_SCENARIO}changed_while_down", (5, 50), _setting(scale=(10, 10))),),
    ),
    Fault(
        "F20",
        "writers with pauses up to a minute, that rewrite, preallocate and resume: 100 at a time",
        (100, 1000),
        (Case(f"{_HOSTS}writers_of_all_habits", (1, 10), _setting(writers=(100, 100), pause=(1, 60)), 5),),
    ),
    Fault(
        "F21",
        "consumers that raise, and one that blocks while a million files wait",
        (20, 200),
        (
            Case(f"{_HOSTS}slow_consumer_costs_no_memory", (1, 1), _setting(pending=(10_000, 1_000_000))),
            Case(f"{_HOSTS}callback_that_raises_now_and_then", (19, 199)),
        ),
    ),
    Fault(
        "F22",
        "hosts that end in every way: threads, asyncio, signals, exit with work in flight",
        (56, 504),
        (Case(f"{_HOSTS}hosts_end_in_every_way", (7, 63), parts=6),),
    ),
    Fault(
        "F23",
        "two hosts on one storage, 2 000 files",
        (2, 20),
        (Case("faults/test_postgres.py::test_two_hosts_share_the_work", (2, 20), _FILES, 2),),
    ),
)
