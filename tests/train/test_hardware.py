from __future__ import annotations

import torch

from keyreid_train.hardware import hardware_name


def test_the_processor_and_its_threads_are_named() -> None:
    one = hardware_name(torch.device("cpu"))
    assert one.endswith(f", {torch.get_num_threads()} threads")
    assert not one.startswith(",")
    assert hardware_name(torch.device("cpu"), processes=2) == f"2 x {one}"
