"""Answers that outlive the process: the same as those of the function, whatever the file says."""

from pathlib import Path

import pytest

from metricsctl.core.remembered import recall, remembered, retain

CALLS: list[tuple[str, ...]] = []


@remembered
def split(text: str, dialect: str) -> tuple[tuple[str, int], ...]:
    CALLS.append((text, dialect))
    if not text:
        message = "nothing to split"
        raise ValueError(message)
    return tuple((word, len(word)) for word in text.split(dialect))


@pytest.fixture(autouse=True)
def _forgetful() -> None:
    retain()
    CALLS.clear()


def kept_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("answers-*.json"))


def test_what_was_kept_is_not_asked_for_again_and_is_the_same(tmp_path: Path) -> None:
    recall(tmp_path, "shop")
    first = split("a-bc", "-")
    retain()
    recall(tmp_path, "shop")
    CALLS.clear()
    assert split("a-bc", "-") == first == (("a", 1), ("bc", 2))
    assert CALLS == []
    assert hash(split("a-bc", "-")) == hash(first)


def test_another_name_and_another_text_are_asked_for(tmp_path: Path) -> None:
    recall(tmp_path, "shop")
    split("x y", " ")
    retain()
    for name, text in (("shop", "x y z"), ("another", "x y w")):
        recall(tmp_path, name)
        assert split(text, " ")[-1] == (text[-1], 1)
        retain()
    assert [text for text, _ in CALLS] == ["x y", "x y z", "x y w"]


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"files": {}, "data": 7}', "\x00"])
def test_a_damaged_file_counts_as_none(damage: str, tmp_path: Path) -> None:
    recall(tmp_path, "shop")
    split(f"damaged {len(damage)}", " ")
    retain()
    kept_in(tmp_path)[0].write_text(damage, encoding="utf-8")
    recall(tmp_path, "shop")
    assert split(f"damaged {len(damage)}", " ")[0] == ("damaged", 7)


def test_errors_are_raised_each_time_and_not_kept(tmp_path: Path) -> None:
    for _ in range(2):
        recall(tmp_path, "shop")
        with pytest.raises(ValueError, match="nothing to split"):
            split("", "-")
        retain()
    assert len(CALLS) == 2
    assert kept_in(tmp_path) == []


def test_a_folder_that_cannot_be_written_keeps_nothing_in_silence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    recall(tmp_path / "file" / "below", "shop")
    assert split("no-where", "-") == (("no", 2), ("where", 5))
    retain()


def test_what_nobody_asks_for_any_more_goes_in_the_end(tmp_path: Path) -> None:
    recall(tmp_path, "shop")
    for number in range(1500):
        split(f"old {number}", " ")
    retain()
    before = kept_in(tmp_path)[0].stat().st_size
    recall(tmp_path, "shop")
    split("old 7", " ")
    split("new 7", " ")
    retain()
    assert kept_in(tmp_path)[0].stat().st_size < before / 100
