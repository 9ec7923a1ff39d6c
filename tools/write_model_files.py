"""Write the model files that `tests/estimators/files` keeps for one format version.

Later versions of sknets must open them. Run this script once for each new format
version, and never for an old one: ``python tools/write_model_files.py``.
"""

import json
from pathlib import Path

import numpy as np

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutRegressor,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)
from sknets._estimators.document import FORMAT_VERSION

FOLDER = Path(__file__).parents[1] / "tests" / "estimators" / "files"
MODELS = {
    "softmax": SoftmaxClassifier(standardize=True),
    "convnet": ConvNetClassifier((2, 3), hidden_layer_sizes=(4,), kernel_size=3),
    "regressor": MLPDropoutRegressor((5, 4)),
    "autoencoder": DenoisingAutoencoderTransformer(2, hidden_layer_sizes=3),
    "variational": VariationalAutoencoderTransformer(2, hidden_layer_sizes=3),
}


def main():
    """Train the models and write their files, and what they return for some rows."""
    rng = np.random.default_rng(0)
    X, labels = (
        rng.normal(scale=10, size=(60, 4)),
        np.array(["a", "b", "c"])[np.arange(60) % 3],
    )
    outputs = {"X": X[:5].tolist()}
    FOLDER.mkdir(exist_ok=True)
    for name, model in MODELS.items():
        path = FOLDER / f"{name}_v{FORMAT_VERSION}.safetensors"
        if path.exists():
            raise FileExistsError(f"{path} is there already.")
        y = X[:, :2] if name == "regressor" else labels
        model.set_params(max_epochs=3, random_state=0, device="cpu").fit(X, y)
        model.save(path, include_optimizer=name == "convnet")
        if hasattr(model, "predict_proba"):
            outputs[f"{name} labels"] = model.predict(X[:5]).tolist()
            outputs[name] = model.predict_proba(X[:5]).tolist()
        else:
            output = model.predict if name == "regressor" else model.transform
            outputs[name] = output(X[:5]).tolist()
    text = json.dumps(outputs, indent=1)
    (FOLDER / f"outputs_v{FORMAT_VERSION}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
