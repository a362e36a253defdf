"""Episodes that are kept hold for the same store and the same definitions alone."""

import datetime as dt

from metricsctl.detect.kept import KnownEpisodes, keeping, known_episodes
from metricsctl.detect.run import detect
from metricsctl.workspace import Workspace
from metricsctl.workspace import open as open_workspace

METRICS = """\
version: 1
defaults: {owner: team, grain: 1d}
sources:
  - {name: visits, description: Visits., time: {column: at}, columns: [{name: at, type: timestamp}]}
metrics:
  - {name: traffic, description: Visits., type: simple, source: visits, agg: count}
"""


def days(first: int, counts: list[int]) -> str:
    start = dt.date(2026, 1, 5)
    rows = [f"{start + dt.timedelta(days=first + day)}T{hour % 24:02}:00:00Z" for day, count in enumerate(counts) for hour in range(count)]
    return "\n".join(["at", *rows, ""])


def test_what_is_kept_is_of_the_same_store_and_definitions(tmp_path):
    def read() -> Workspace:
        return open_workspace(tmp_path / "metrics.yml")

    def known(shop: Workspace) -> KnownEpisodes:
        found = known_episodes(shop.project, shop.store, tmp_path / "kept")
        assert found.episodes == detect(shop.project, shop.store).episodes
        assert found == known_episodes(shop.project, shop.store, tmp_path / "kept")
        return found

    (tmp_path / "metrics.yml").write_text(METRICS, encoding="utf-8")
    (tmp_path / "a.csv").write_text(days(0, [60, 61, 58, 62, 60] * 7), encoding="utf-8")
    (tmp_path / "b.csv").write_text(days(35, [3, 2, 3]), encoding="utf-8")
    read().ingest(tmp_path / "a.csv", source="visits", final=True)
    calm = known(read())
    read().ingest(tmp_path / "b.csv", source="visits", final=True)
    odd = known(read())
    assert not calm.episodes
    assert odd.episodes
    (tmp_path / "metrics.yml").write_text(METRICS.replace("agg: count", "agg: count, watch: {min_effect: 99%}"), encoding="utf-8")
    assert not known(read()).episodes


def test_nothing_is_kept_of_a_store_that_moved_on(tmp_path):
    (tmp_path / "metrics.yml").write_text(METRICS, encoding="utf-8")
    (tmp_path / "a.csv").write_text(days(0, [60, 61, 58, 62, 60] * 3), encoding="utf-8")
    shop = open_workspace(tmp_path / "metrics.yml")
    shop.ingest(tmp_path / "a.csv", source="visits")

    def work():
        report = detect(shop.project, shop.store)
        shop.ingest(tmp_path / "a.csv", source="visits", final=True)
        return report

    keeping(shop.project, shop.store, tmp_path / "kept", work)
    assert not (tmp_path / "kept").exists()
