"""docs/reference/configuration.md: what sets each part of a run, what a rules file holds, what exit codes mean."""

from __future__ import annotations

from typing import Any, Final

from base.errors import ExitCode
from bench.config import RunConfig
from bench.reference.annotations import default_of, hints, in_words, remarks
from bench.reference.commands import parsers
from bench.reference.markdown import code, listing, prose, table, whole_page
from bench.thresholds import ENV as THRESHOLD_ENV
from pipeline.rules import SEED_RULES, AlertRule

#: The option that sets a key of another name; None: `--quick` and `--search-rate` do.
SET_BY: Final[dict[str, str | None]] = {
    "profiles": "profile",
    "engines": "engine",
    "warmup_s": "warmup",
    "window_s": "measure",
    "spark_warmup_s": None,
    "drain_s": None,
    "thresholds": "threshold",
}

_EXIT: Final = {
    ExitCode.OK: "all is well",
    ExitCode.BUG: "a bug, with its traceback; or a process of the run ended badly",
    ExitCode.USAGE: "a flag, a file or a value is wrong: one line says which, and what to write",
    ExitCode.THRESHOLD: "a `--threshold` failed; in a soak, something rises; of `bench.trust`, a plant was not found",
    ExitCode.REGRESSION: "kept for regressions; nothing uses it yet",
    ExitCode.ENVIRONMENT: "this machine lacks something: one line says what, and how to mend it",
    ExitCode.NO_VALID_CELL: "no cell is valid, whatever the thresholds say",
    ExitCode.INCONCLUSIVE: "it cannot be told: `bench.noise` had too few valid cells, or a series of a soak",
    ExitCode.INTERRUPTED: "Ctrl-C or SIGTERM; what was measured is kept",
}

_OTHERS: Final = (
    ("ALERTBENCH_CACHE", "Folder for jars, class archives and the machine's noise; `~/.cache/alertbench` without it."),
    ("DEFAULT_ARTIFACT_REPOSITORY", "A mirror of the Maven repository, from which the jars come on first use."),
    ("JAVA_HOME", "The Java to use; else the one on PATH, else the one that comes along."),
    ("TMPDIR", "Where broker and Spark keep their files while they run."),
)


def page() -> str:
    """The page's text."""
    exits = [[code(one.value), _EXIT[one]] for one in ExitCode]
    return whole_page(
        "Configuration",
        "A flag wins over the environment, and the environment over the default. The resolved configuration stands in "
        "a run's `config.toml` and, as `config`, in its `result.json`. What is simulated is set by the "
        "[scenario](scenarios.md), a secured cluster by the file of `--kafka-config` "
        "([secured clusters](../secured-clusters.md)).",
        f"## A run\n\n{run_table()}",
        "## Environment beside it\n\n" + table(["variable", "what it is"], [[code(n), prose(t)] for n, t in _OTHERS]),
        f"## A file of rules\n\n{rules()}",
        "## Exit codes\n\n" + table(["code", "means"], exits),
    )


def run_table() -> str:
    """Every key of `RunConfig`: what sets it, and what it is."""
    ((_, command),) = parsers("bench.run")
    options: dict[str, Any] = {option.name: option for option in command.params}
    said = remarks(RunConfig)
    rows = []
    for key, field in RunConfig.model_fields.items():
        name = SET_BY.get(key, key)
        option = options[name] if name is not None else None
        flag = code(option.opts[0]) if option is not None else "`--quick`, `--search-rate`"
        env = (option.envvar or (THRESHOLD_ENV if name == "threshold" else "")) if option is not None else ""
        text = prose(option.help) if option is not None else said[key]
        rows.append([code(key), flag, code(env), default_of(field), text])
    return table(["key", "flag", "environment", "default", "what it is"], rows)


def rules() -> str:
    """The keys of a rule, and the first one that comes along."""
    rows = [[code(name), in_words(kind)] for name, kind in hints(AlertRule).items()]
    first = "[[rule]]" + SEED_RULES.read_text().split("[[rule]]")[1].rstrip()
    form = (
        "`--rules FILE` of `bench.run`, `pipeline.run` and `pipeline.plain`: a `[[rule]]` table for each rule. A "
        "reading is labelled by the first rule that holds, `fired` names all; ids and labels are distinct. "
        "[How to write your own](../own-rules.md)."
    )
    return "\n\n".join([form, table(["key", "value"], rows), listing(first)])
