"""Pictures of the world: a background made once per camera, people drawn into it per frame, a z-buffer between them.

Everything runs in the calling thread's order on NumPy (no BLAS) and OpenCV's per-pixel filters, whose results do not
depend on the number of threads: the same state gives the same bytes on any number of workers.
"""
