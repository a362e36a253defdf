"""`series:`: numbers that live elsewhere, brought into the store with every revision of them."""

from metricsctl.ingest.external.run import bring

__all__ = ["bring"]
