"""Lower precision on photographs of people: the drawn ones of the check might be easier."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_engines.cache import EngineCache
from keyreid_engines.checks import check_engine
from keyreid_engines.fixed_crops import fixed_crops
from keyreid_engines.openvino_backend import OpenVinoBackend
from keyreid_engines.seam import EngineEncoders
from keyreid_stream.encoders import EncoderConfig
from keyreid_stream.models.load import load_model
from keyreid_stream.structures import Crops, CropSpec

COUNT = 64


def photographs(data: Path, spec: CropSpec) -> Crops:
    """One picture of each of 64 people that the shipped weights were not trained on; their part weights are drawn."""
    paths = sorted((data / "reid" / "cuhk03").glob("val_*_c1_0.jpg"))[:COUNT]
    assert len(paths) == COUNT
    pictures = [cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB) for path in paths]
    images = np.stack([cv2.resize(picture, (spec.width, spec.height)) for picture in pictures])
    return Crops(images, fixed_crops(spec, COUNT).part_weights)


@pytest.mark.data
def test_bfloat16_keeps_every_part_of_64_photographs(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="OPENVINO IS NOT INSTALLED: bfloat16 is not compared on photographs")
    if "bfloat16" not in OpenVinoBackend().precisions:
        pytest.skip("THIS PROCESSOR HAS NO BFLOAT16: it is not compared on photographs")
    loaded = load_model()
    config = EncoderConfig(backend="openvino", precision="bfloat16", device="cpu")
    encoders = EngineEncoders(lambda line: None, EngineCache(tmp_path))(loaded, config)
    crops = photographs(data, loaded.model.crop_spec)
    figures = check_engine(lambda _: encoders, loaded.model, "bfloat16", crops)
    assert figures.crops == COUNT
    assert figures.minimum_cosine >= 0.999
    # A comparison of float32 with itself would pass as well.
    assert figures.minimum_cosine < 0.999999
