"""The installed package, away from the checkout: command and library, SQL and page included."""

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from lydite.simulation import simulate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of a fresh environment with the wheel, and this one's dependencies."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    venv.create(folder / "env", with_pip=True)
    site = next((folder / "env/lib").glob("python*/site-packages"))
    # Dependencies come from the environment that runs the tests; the checkout itself does not.
    own = next(p for p in sys.path if p.endswith("site-packages"))
    (site / "dependencies.pth").write_text(
        f"import sys; sys.path.append({own!r})\n", encoding="utf-8"
    )
    wheel = next(folder.glob("*.whl"))
    install = [folder / "env/bin/python", "-m", "pip", "install", "-q", "--no-deps",
               "--no-index", wheel]  # fmt: skip
    subprocess.run(install, check=True, cwd=folder)
    return folder / "env/bin"


def test_the_command_works_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = "import lydite, sys; print(lydite.__file__)"
    home = subprocess.run([installed / "python", "-c", where], cwd=tmp_path, text=True,
                          capture_output=True, check=True)  # fmt: skip
    assert str(installed.parent) in home.stdout
    simulate("last_touch", users=3_000, seed=4).write(tmp_path)
    done = subprocess.run(
        [installed / "lydite", "compare", "--touchpoints", "touchpoints.parquet",
         "--conversions", "conversions.parquet", "--models", "last_touch,first_touch",
         "--format", "json", "--report", "page.html", "--database", "out.duckdb"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    models = json.loads(done.stdout)["outcomes"]["conversion"]["models"]
    assert models[0]["model"] == "last_touch"
    assert (tmp_path / "page.html").exists()
    assert (tmp_path / "out.duckdb").exists()
