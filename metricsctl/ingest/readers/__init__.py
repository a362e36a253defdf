"""From paths to chunks of whole lines that can be resumed; the standard library only."""

from metricsctl.ingest.readers.chunks import Chunk, FileReader, Status
from metricsctl.ingest.readers.files import Format, InputFile, discover
from metricsctl.ingest.readers.marks import Known, Mark

__all__ = ["Chunk", "FileReader", "Format", "InputFile", "Known", "Mark", "Status", "discover"]
