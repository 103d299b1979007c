"""Writes manifest.json beside model.onnx: again whenever the contract's hash has changed.

    python models/usdcop-ppo/export.py

Trains nothing. The hash is asked of the platform itself, `usdcop contract hash`. A model belongs to
the statistics it was trained with: this refuses where the contract now holds others.
"""

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
from env import CLIP, CONTRACT, FEATURES, MEAN, ROOT, STD
from onnx_policy import read_onnx

HERE = Path(__file__).resolve().parent
GOLDEN_SEED = 15


def contract_hash() -> str:
    usdcop = ["node", "scripts/launch.mjs", "packages/cli/src/main.ts"]
    command = [*usdcop, "contract", "hash", "--json"]
    printed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed)["contractHash"]


def golden_observations() -> np.ndarray:
    """The middle, both ends of the clip, and drawn observations under each position."""
    rng = np.random.default_rng(GOLDEN_SEED)
    drawn = np.clip(rng.standard_normal((6, 15)) * 1.5, -CLIP, CLIP)
    rows = np.concatenate([np.array([[0.0], [CLIP], [-CLIP]]) * np.ones(15), drawn])
    rows[:, 13] = [0, 1, -1, -1, 0, 1, -1, 0, 1]
    rows[:, 14] = np.linspace(0, 1, len(rows))
    return rows.astype(np.float32)


def main() -> None:
    training = json.loads((HERE / "training.json").read_text())
    fitted = training.pop("statistics")
    for name, now in (("mean", MEAN), ("std", STD)):
        if not np.allclose(fitted[name], now, rtol=1e-9, atol=1e-12):
            raise SystemExit(f"the contract's {name} is not the one trained with: train again")

    model = (HERE / "model.onnx").read_bytes()
    observations = golden_observations()
    actions = read_onnx(HERE / "model.onnx")(observations)
    manifest = {
        "name": "usdcop-ppo",
        "version": "1",
        "format": "onnx",
        "file": "model.onnx",
        "sha256": hashlib.sha256(model).hexdigest(),
        "contractHash": contract_hash(),
        "input": {"name": "observation", "shape": [None, len(FEATURES)], "dtype": "float32"},
        "output": {"name": "action", "shape": [None, 1], "dtype": "float32"},
        "features": FEATURES,
        "action": {
            "kind": "continuous",
            "low": CONTRACT["mapping"]["actionMin"],
            "high": CONTRACT["mapping"]["actionMax"],
            "squash": "clip",
        },
        "training": {"script": "train.py", **training},
        "goldenVectors": [
            {"observation": [float(x) for x in row], "action": float(action)}
            for row, action in zip(observations, actions)
        ],
    }
    (HERE / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    print(manifest["contractHash"], manifest["sha256"])


if __name__ == "__main__":
    main()
