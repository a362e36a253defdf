"""The explainers on data that did not come out of a metricsctl project: pandas frames and any directed graph in, typed results out."""
