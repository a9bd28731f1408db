"""Training of KeyRe-ID models."""
