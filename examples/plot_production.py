"""
=============================================
From training to production: save, load, ONNX
=============================================

A model is trained on one machine, and used on another. This example trains a pipeline
on the best device that it finds, and stores it in three ways: as a pickle, as a file
that holds no code, and as an ONNX model, which runs without Python's machine learning
packages. Then it compares the predictions.
"""

# %%
# **Devices.** `device="auto"`, the default, takes a GPU if there is one: CUDA first,
# then Apple's MPS, then the CPU. `device_` says what it took.

import pickle
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import sknets
from sknets import MLPDropoutClassifier
from sknets.datasets import load_mnist_sample

X, y = load_mnist_sample(return_X_y=True)
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)

model = MLPDropoutClassifier(device="auto", random_state=0).fit(X, y)
print("CUDA devices:", torch.cuda.device_count())
print("MPS device:  ", torch.backends.mps.is_available())
print("trained on:  ", model.device_)
print(f"accuracy:     {model.score(X_test, y_test):.3f}")

# %%
# **A file without code.** `save` writes one file, and :func:`sknets.load` reads it.
# Reading never runs code from the file. `load` also chooses the device: here the CPU,
# on which every machine can predict.

folder = Path(tempfile.mkdtemp())
model.save(folder / "digits.safetensors")
loaded = sknets.load(folder / "digits.safetensors", device="cpu")
print("loaded on:", loaded.device_)

# %%
# **A pickle** stores all that Python can, also a pipeline with its other steps. A model
# from a GPU can be read on a machine without one: it is then on the CPU, with a
# warning. Read only pickles that you trust, because they can run any code.

pipeline = make_pipeline(MinMaxScaler(), MLPDropoutClassifier(random_state=0)).fit(X, y)
(folder / "pipeline.pkl").write_bytes(pickle.dumps(pipeline))
unpickled = pickle.loads((folder / "pipeline.pkl").read_bytes())

# %%
# **ONNX.** :func:`sknets.to_onnx` converts the whole pipeline, with the scaler. The
# result runs in ONNX Runtime, on servers, phones and in browsers. It needs
# `pip install '.[onnx]'` in a clone of the package.

import onnxruntime

onnx_file = folder / "pipeline.onnx"
onnx_file.write_bytes(sknets.to_onnx(pipeline, X[:1]).SerializeToString())
session = onnxruntime.InferenceSession(onnx_file, providers=["CPUExecutionProvider"])
labels, probabilities = session.run(["label", "probabilities"], {"X": X_test})

# %%
# **The same predictions?** The file and the pickle give the same bits as the model that
# was stored. ONNX Runtime adds numbers in another order, so its probabilities differ by
# rounding. The labels are the same.


def difference(probabilities, stored):
    """Return the largest difference of the probabilities."""
    return float(np.abs(probabilities - stored.predict_proba(X_test)).max())


rows = {
    "save and load": (model, loaded.predict(X_test), loaded.predict_proba(X_test)),
    "pickle": (pipeline, unpickled.predict(X_test), unpickled.predict_proba(X_test)),
    "ONNX Runtime": (pipeline, labels, probabilities),
}
sizes = {path.suffix: path.stat().st_size / 1e6 for path in folder.iterdir()}
print("               same labels  largest difference  size in MB")
for (name, (stored, answers, found)), suffix in zip(
    rows.items(), (".safetensors", ".pkl", ".onnx"), strict=True
):
    same = np.array_equal(answers, stored.predict(X_test))
    print(
        f"{name:13}  {same!s:>11}  {difference(found, stored):18.1e}",
        f"{sizes[suffix]:11.2f}",
    )

# %%
# The differences of ONNX Runtime, on a logarithmic scale.

differences = np.abs(probabilities - pipeline.predict_proba(X_test)).ravel()
figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
ax.hist(differences.clip(1e-12), bins=np.logspace(-12, -5, 36))
ax.set(
    xscale="log",
    xlabel="Absolute difference of a probability",
    ylabel="Number of probabilities",
)
ax.axvline(np.finfo(np.float32).eps, color="C1", label="precision of float32")
ax.legend()
plt.show()
