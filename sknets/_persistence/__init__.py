"""Files of arrays and JSON, which hold no code. Knows no estimator."""
