"""A sample of event files that keeps some entities whole, with personal data hashed."""

from metricsctl.ingest.sampling.run import SampleOptions, sample

__all__ = ["SampleOptions", "sample"]
