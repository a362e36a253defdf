"""Configuration: who wins, where it is found, what is refused."""

from pathlib import Path

import pytest

from metricsctl.cli.config import KEYS, load_config, variable
from metricsctl.cli.project import locate, read_definitions, store_folder
from metricsctl.core.errors import UsageError


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in KEYS:
        monkeypatch.delenv(variable(key), raising=False)
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)


def test_defaults() -> None:
    config = load_config()
    assert config.folder is None
    assert {key: config.get(key) for key in ("lint.fail_on", "lint.max_depth", "color")} == {
        "lint.fail_on": "error",
        "lint.max_depth": 10,
        "color": "auto",
    }


def test_variables_over_files_over_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "metricsctl.toml").write_text('color = "never"\n[lint]\nselect = ["M1"]\nmax_depth = 3\n', encoding="utf-8")
    monkeypatch.setenv("METRICSCTL_LINT_SELECT", "M4, M5")
    settings = load_config().settings
    assert (settings["lint.select"].value, settings["lint.select"].origin) == (("M4", "M5"), "METRICSCTL_LINT_SELECT")
    assert (settings["lint.max_depth"].value, settings["lint.max_depth"].origin) == (3, "metricsctl.toml")
    assert settings["lint.ignore"].origin == "default"


def test_the_nearest_file_upwards_to_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.metricsctl]\nproject = "defs"\nstore = "numbers"\n', encoding="utf-8")
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.other]\n", encoding="utf-8")
    monkeypatch.chdir(inner)
    assert load_config().folder == tmp_path
    assert locate(None).paths == (tmp_path / "defs",)
    assert store_folder(None, None) == tmp_path / "numbers"
    assert store_folder(None, Path("own")) == Path("own")


def test_the_store_lies_in_the_project(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    assert store_folder(None, None) == tmp_path / "metrics" / ".metricsctl" / "store"
    assert store_folder(Path("metrics"), None) == Path("metrics/.metricsctl/store")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[lint]\nselct = []\n", "unknown key 'lint.selct'"),
        ("color = 3\n", "'color'"),
        ("[lint]\nmax_depth = 0\n", "'lint.max_depth'"),
        ("= 1\n", "metricsctl.toml"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "metricsctl.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load_config()


def test_a_wrong_variable_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICSCTL_LINT_FAIL_ON", "never")
    with pytest.raises(UsageError, match="METRICSCTL_LINT_FAIL_ON"):
        load_config()


def test_excluded_files_are_counted_not_read(tmp_path: Path) -> None:
    for name in ("a.yml", "drafts/b.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("version: 1\nmetrics: []\n", encoding="utf-8")
    (tmp_path / "metricsctl.toml").write_text('exclude = ["drafts/"]\n', encoding="utf-8")
    project = read_definitions([tmp_path], load_config())
    assert ([file.path for file in project.files], project.other_files) == (["a.yml"], 1)
