from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from keyreid_train.records import read_record

ROOT = Path(__file__).parents[2]


def test_two_processes_learn_one_network_from_different_clips(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # `accelerate launch` starts GPU processes just like this; for several CPU processes it would need MPI.
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={port}"]
    subprocess.run(
        [*launch, "-m", "tests.train.two_processes", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "ACCELERATE_USE_CPU": "true"},
        check=True,
        timeout=240,
    )
    first, second = (json.loads((tmp_path / f"process{process}.json").read_text()) for process in (0, 1))
    # Statistics of BatchNorm are each process's own, and the first one's are saved.
    learned = {name for name in first["state"] if "running" not in name}
    assert {name: first["state"][name] for name in learned} == {name: second["state"][name] for name in learned}
    assert len(first["asked"]) == len(second["asked"]) > 0
    assert not {tuple(one) for one in first["asked"]} & {tuple(one) for one in second["asked"]}
    assert (first["reported"], second["reported"]) == (True, False)
    assert [line["step"] for line in read_record(tmp_path / "log.csv")] == ["2", "3", "5", "6", "8", "9"]
