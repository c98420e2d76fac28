"""Every benchmark is a command that says how it is used."""

import importlib
from pathlib import Path

import benchmarks
import pytest

FOLDER = Path(benchmarks.__path__[0])
COMMANDS = [
    *sorted(
        path.stem for path in FOLDER.glob("*.py") if 'if __name__ == "__main__"' in path.read_text()
    ),
    *sorted(path.parent.name for path in FOLDER.glob("*/__main__.py")),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_describes_its_options(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"benchmarks.{command}"
    if (FOLDER / command).is_dir():
        name += ".__main__"
    module = importlib.import_module(name)
    monkeypatch.setattr("sys.argv", [command, "--help"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 0
    assert "--json FILE" in (module.__doc__ or "")
    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_in_the_list_with_how_to_run_it(command: str) -> None:
    assert f"`python -m benchmarks.{command}" in (FOLDER / "README.md").read_text()
