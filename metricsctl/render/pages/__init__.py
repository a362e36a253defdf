"""Reports that are pages of text: `<report>_<format>.py` with `page(report, style) -> str`, for the formats tree and markdown."""
