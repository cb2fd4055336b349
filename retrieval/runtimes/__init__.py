"""What runs a transformer: batches of tokens, bfloat16, OpenVINO."""
