"""Anything that embeds people: our weights, ONNX networks, BoxMOT's re-ID models, behind one Protocol."""
