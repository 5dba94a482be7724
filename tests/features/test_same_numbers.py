"""The same players have the same features, bit by bit, on every number of threads and kind of x86 processor."""

import os
import subprocess
import sys

import pytest

DIGEST = """
import hashlib
import numpy as np
from scarcegan.features.extract import extract
from scarcegan.features.prophet50 import extract_prophet50
from scarcegan.features.telemetry import Telemetry
from scarcegan.settings.data_sections import RoleNames

rng = np.random.default_rng(1)
counters = rng.lognormal(0, 2, (700, 60, 5)) * (rng.random((700, 60, 5)) < rng.random((700, 1, 1)))
observed = np.ones(60, bool)
observed[[3, 40]] = False
counters[:, ~observed] = 0
telemetry = Telemetry(np.arange(700), counters.astype(np.float32), observed, tuple("abcde"))
roles = RoleNames(activity="a", intensity="b", night="c", loss="d", deposit="e")
for table in (extract(telemetry, roles), extract_prophet50(telemetry)):
    print(hashlib.sha256(table.features.tobytes()).hexdigest())
"""
# OpenBLAS takes the kernels of an older processor, NumPy leaves newer instructions alone.
MACHINES = {
    "two threads": {"OPENBLAS_NUM_THREADS": "2"},
    "Haswell": {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR"},
    "Prescott": {
        "OPENBLAS_CORETYPE": "Prescott",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    },
}


def digest(**machine):
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "2"} | machine
    # Elsewhere a processor may lack what is to be left alone: NumPy only warns of that.
    command = [sys.executable, "-W", "ignore", "-c", DIGEST]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def here():
    return digest()


@pytest.mark.parametrize("machine", MACHINES)
def test_features_are_the_same_bits_on_another_machine(here, machine):
    assert digest(**MACHINES[machine]) == here
