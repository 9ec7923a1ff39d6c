"""Above the floors: fitted estimators as ONNX models."""
