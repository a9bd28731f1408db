"""The process that decodes one live camera. It imports PyAV and NumPy alone: there is one for every camera."""
