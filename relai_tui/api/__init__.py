"""The wire: the only importer of httpx and httpx_sse. Knows nothing of disks, keyrings or screens."""
