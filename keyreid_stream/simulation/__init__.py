"""Association judged alone: the truth of a drawn world, with synthetic embeddings of a known error rate."""
