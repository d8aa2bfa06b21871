"""What processes use, as the Linux kernel counts it."""

import os
from pathlib import Path


def cpu(pid: int) -> float:
    """Seconds of CPU that the threads of a process have used, to the microsecond where the kernel tells."""
    tasks = [*Path(f"/proc/{pid}/task").iterdir()]
    if (tasks[0] / "schedstat").exists():
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Its resident memory in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def waiting() -> float:
    """Seconds for which this thread could have run and did not, because other processes had the cores."""
    file = Path("/proc/thread-self/schedstat")
    return int(file.read_text().split()[1]) / 1e9 if file.exists() else 0.0
