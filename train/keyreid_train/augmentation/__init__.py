"""Random changes of clips in training; keypoints move with the pixels."""
