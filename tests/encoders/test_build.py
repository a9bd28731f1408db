import pytest
import torch

from keyreid_stream.encoders import EncoderConfig, torch_encoders
from keyreid_stream.errors import ConfigError
from keyreid_stream.structures import Crops
from tests.models.small_models import small_model


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_both_halves_get_the_model_the_device_and_the_precision(precision: str, dtype: torch.dtype) -> None:
    config = EncoderConfig.model_validate({"device": "cpu", "precision": precision})
    model = small_model()
    encoder, head = torch_encoders(model, config)
    assert encoder.crop_spec == model.crop_spec
    assert head.layout == model.layout
    spec = model.crop_spec
    crops = Crops(
        torch.zeros(2, spec.height, spec.width, 3, dtype=torch.uint8).numpy(),
        torch.ones(2, spec.parts, spec.patches).numpy(),
    )
    assert encoder.encode(crops).tokens.dtype == dtype
    assert next(model.clip_head.parameters()).dtype == dtype


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'cuda:99' is not on this machine.*cpu"):
        torch_encoders(small_model(), EncoderConfig(device="cuda:99"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: encoders on a GPU are not tested")
def test_on_a_gpu_embeddings_are_those_of_the_cpu() -> None:
    model = small_model()
    spec = model.crop_spec
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (5, spec.height, spec.width, 3), generator=generator, dtype=torch.uint8)
    crops = Crops(images.numpy(), torch.rand(5, spec.parts, spec.patches, generator=generator).numpy())
    on_cpu = torch_encoders(model, EncoderConfig(device="cpu"))[0].encode(crops).appearance
    on_gpu = torch_encoders(model, EncoderConfig(device="cuda"))[0].encode(crops).appearance
    assert torch.allclose(torch.from_numpy(on_gpu), torch.from_numpy(on_cpu), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("given", "device", "batch"), [(None, "cpu", 16), (None, "cuda", 64), (5, "cpu", 5), (500, "cuda:1", 500)]
)
def test_batches_are_small_on_a_cpu_unless_somebody_says_otherwise(given: int | None, device: str, batch: int) -> None:
    assert EncoderConfig(batch_size=given).batch_on(torch.device(device)) == batch
