"""Training of the pose detector that the package ships for its own synthetic worlds."""
