"""What each of two processes runs in `test_processes.py`: a short training, then a report of what it ended with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from keyreid_train.trainer import Trainer
from tests.train.painted_people import painted_config, painted_data


def main(out: Path) -> None:
    torch.set_num_threads(1)
    clips, data = painted_data()
    trainer = Trainer(painted_config(), data, out)
    report = trainer.run()
    state = {name: float(tensor.double().sum()) for name, tensor in trainer.average.network.state_dict().items()}
    asked = sorted({(one.epoch, one.draw) for one in clips.asked})
    process = trainer.process
    content = {"state": state, "asked": asked, "reported": report is not None}
    (out / f"process{process}.json").write_text(json.dumps(content))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
