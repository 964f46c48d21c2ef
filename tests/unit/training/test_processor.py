from __future__ import annotations

from pathlib import Path

import pytest
import torch

from easiness.errors import BadInput
from easiness.training import device as module
from easiness.training.device import choose_precision, device_name, multiplies_bfloat16

CPU, GPU, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")
INTEL = "processor\t: 0\nmodel name\t: Xeon\nmodel\t\t: 143\nflags\t\t: fpu avx512f {}\n\nprocessor\t: 1\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd {}\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def use(text: str | None) -> None:
        path = tmp_path / "cpuinfo"
        if text is not None:
            path.write_text(text)
        monkeypatch.setattr(module, "_CPUINFO", path)
        module._cpu_facts.cache_clear()

    yield use
    monkeypatch.undo()
    module._cpu_facts.cache_clear()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (INTEL.format("avx2"), False),
        (INTEL.format("avx512_bf16"), True),
        (INTEL.format("amx_bf16 amx_tile"), True),
        (ARM.format("asimdhp"), False),
        (ARM.format("bf16"), True),
        ("something else", False),
        (None, False),  # nobody knows
    ],
)
def test_products_of_bfloat16_are_listed_by_the_system(cpuinfo, text, expected):
    cpuinfo(text)
    assert multiplies_bfloat16() is expected


def test_processors_are_told_apart(cpuinfo):
    names = []
    for text in (INTEL, INTEL.replace("143", "106"), ARM, ARM.replace("0xd40", "0xd0c"), ""):
        cpuinfo(text)
        names.append(device_name(CPU))
    assert len(set(names)) == 5
    assert "Xeon" in names[0]


def test_a_gpu_is_known_by_its_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"some {device.type}")
    assert device_name(torch.device("cuda")) == "some cuda"


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("device", [CPU, GPU])
def test_auto_is_bfloat16_where_it_is_multiplied(monkeypatch, device, native):
    monkeypatch.setattr(module, "multiplies_bfloat16", lambda: native and device is CPU)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: native)
    precision, reason = choose_precision("auto", device)
    assert precision == ("bfloat16" if native else "float32")
    assert ("processor" if device is CPU else "GPU") in reason
    for asked in ("float32", "bfloat16"):
        assert choose_precision(asked, device) == (asked, "as asked")


def test_depthwise_convolutions_train_in_float32_on_a_processor(monkeypatch):
    monkeypatch.setattr(module, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    assert choose_precision("auto", CPU, 0.07) == (
        "float32",
        "7% of the operations are depthwise convolutions",
    )
    assert choose_precision("auto", CPU, 0.02)[0] == "bfloat16"
    assert choose_precision("auto", GPU, 0.07)[0] == "bfloat16"
    assert choose_precision("bfloat16", CPU, 0.07)[0] == "bfloat16"


def test_apples_gpu_computes_in_float32():
    assert choose_precision("auto", MPS) == ("float32", "on Apple's GPU")
    assert choose_precision("float32", MPS)[0] == "float32"
    with pytest.raises(BadInput, match=r"bfloat16: .*Apple's GPU \(mps\)"):
        choose_precision("bfloat16", MPS)
