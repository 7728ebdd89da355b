"""Medians, the table, and latest.json."""

import json
import platform
from pathlib import Path
from statistics import median

from .load import Run

BASELINE = "c-nghttp2"


def rows(scenario: str, runs: dict[str, dict[str, list[Run]]]) -> list[dict]:
    """`runs` by load and server."""
    out = []
    for load, servers in runs.items():
        c = median(run.cpu_seconds_per_million for run in servers[BASELINE]) if BASELINE in servers else None
        for server, repeated in servers.items():
            cpu = median(run.cpu_seconds_per_million for run in repeated)
            out.append(
                {
                    "scenario": scenario,
                    "load": load,
                    "server": server,
                    "requestsPerSecond": round(median(run.requests_per_second for run in repeated)),
                    "cpuSecondsPerMillion": round(cpu, 2),
                    "p50us": median(run.p50us for run in repeated),
                    "p99us": median(run.p99us for run in repeated),
                    "rssMiB": round(median(run.rss_mib for run in repeated), 1),
                    "cpuRatioToC": round(cpu / c, 2) if c else None,
                }
            )
    return out


def table(found: list[dict], spreads: dict[tuple[str, str], tuple[float, float]]) -> str:
    lines = [
        f"{'load':7}{'server':18}{'CPU s/1M':>9}{'(min–max)':>14}{'to C':>7}{'req/s':>9}{'p50 µs':>8}{'p99 µs':>9}{'RSS MiB':>9}"
    ]
    for row in found:
        low, high = spreads[row["load"], row["server"]]
        ratio = "–" if row["cpuRatioToC"] is None else f"{row['cpuRatioToC']:.2f}"
        lines.append(
            f"{row['load']:7}{row['server']:18}{row['cpuSecondsPerMillion']:9.2f}{f'({low:.1f}–{high:.1f})':>14}{ratio:>7}"
            f"{row['requestsPerSecond']:9}{row['p50us']:8.0f}{row['p99us']:9.0f}{row['rssMiB']:9.1f}"
        )
    return "\n".join(lines)


def targets(found: list[dict]) -> str:
    """How Turnpike stands to its own aims; says nothing where a side is missing."""
    by = {(row["load"], row["server"]): row for row in found}
    aims = [
        ("CPU per Check, 1x100, to C", "1x100", "c-nghttp2", "cpuSecondsPerMillion", "≤ 1.40, aim 1.00"),
        ("CPU per Check, 1x100, to gRPC C++", "1x100", "grpc-cpp", "cpuSecondsPerMillion", "≤ 0.25"),
        ("median latency, 1x1, to C", "1x1", "c-nghttp2", "p50us", "≤ 1.10"),
    ]
    lines = []
    for label, load, peer, key, aim in aims:
        ours, theirs = by.get((load, "turnpike")), by.get((load, peer))
        if ours and theirs and theirs[key]:
            lines.append(f"{label + ':':38}{ours[key] / theirs[key]:5.2f}   ({aim})")
    return "\n".join(lines)


def machine() -> str:
    names = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{names[0] if names else platform.machine()}, {len(names)} cores, Linux {platform.release()}"


def write(found: list[dict], text: str, folder: Path, table: str = "latest.txt") -> None:
    """Replaces the rows of the same scenarios; those of others stay."""
    folder.mkdir(exist_ok=True)
    file = folder / "latest.json"
    mine = {row["scenario"] for row in found}
    others = [row for row in json.loads(file.read_text()) if row["scenario"] not in mine] if file.exists() else []
    file.write_text(json.dumps(others + found, indent=1) + "\n")
    (folder / table).write_text(text + "\n")
