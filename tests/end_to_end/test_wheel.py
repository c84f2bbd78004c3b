"""The package as users install it: the files of wheel and sdist, the command, the component."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from lydite import __version__
from lydite.simulation import simulate

ROOT = Path(__file__).resolve().parents[2]
FILES = (
    "lydite/py.typed",
    "lydite/api/comparison.py",
    "lydite/dagster/component.py",
    "lydite/dagster/assets/inputs.py",
    "lydite/reporting/report.html.j2",
    "lydite/scaffold/templates/lydite.toml.j2",
)
PROJECT = """
[tool.dg]
directory_type = "project"
[tool.dg.project]
root_module = "shop"
"""
COMPONENT = """
type: lydite.dagster.LyditeComponent
attributes:
  settings: "{{ context.project_root }}/lydite.toml"
  owners: ["team:marketing"]
""".strip()
SETTINGS = """
models = ["last_touch", "linear"]
[sources]
touchpoints = "data/touchpoints.parquet"
conversions = "data/conversions.parquet"
[evaluation]
lookback = "7d"
period = "month"
"""
MATERIALIZE = """
import json
from pathlib import Path

import dagster as dg
import duckdb

definitions = dg.load_from_defs_folder(path_within_project=Path.cwd())
job = definitions.resolve_job_def("refresh")
with dg.DagsterInstance.ephemeral() as instance:
    result = job.execute_in_process(instance=instance)
graph = definitions.resolve_asset_graph()
keys = {event.asset_key for event in result.get_asset_materialization_events()}
with duckdb.connect("var/attribution.duckdb", read_only=True) as reader:
    models = reader.execute("select distinct model from mart.channel_credit order by 1").fetchall()
print(json.dumps({
    "missing": [str(key) for key in graph.materializable_asset_keys - keys],
    # Some warn, as they should: last touch is in use, and refuted in this world.
    "checks": [check.passed or check.severity == dg.AssetCheckSeverity.WARN
               for check in result.get_asset_check_evaluations()],
    "models": [model for (model,) in models],
    "lydite": __import__("lydite").__file__,
}))
"""


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that does not see the checkout."""
    hidden = ("PYTHONPATH", "LYDITE_CONFIG", "DAGSTER_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def new_environment(folder: Path) -> Path:
    """Create an environment without packages, and return its Python."""
    venv.create(folder)
    return folder / "bin/python"


def install(python: Path, *what: str | Path) -> None:
    """Install packages in the environment of a Python, with the pip of this one."""
    done = run(
        sys.executable, "-m", "pip", "-q", "--python", python, "install", "--no-compile", *what,
        cwd=python.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sdist and the wheel that was built from it.

    Building and installing need a package index. Where there is none, the tests are skipped,
    except in CI.
    """
    folder = tmp_path_factory.mktemp("dist")
    probe = run(
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "0",
        "--dest", folder / "probe", "hatchling", cwd=folder,
    )  # fmt: skip
    if probe.returncode != 0 and "CI" not in os.environ:
        pytest.skip("no package index can be reached: the wheel is neither built nor installed")
    built = run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def wheel_in(folder: Path) -> Path:
    """Return the one wheel of a folder."""
    [wheel] = folder.glob("*.whl")
    return wheel


def content(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_has_all_files_and_nothing_else(dist):
    names = set(zipfile.ZipFile(wheel_in(dist)).namelist())
    sql = {f"lydite/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "sql").rglob("*.sql")}
    assert len(sql) > 30
    assert names >= {*FILES, *sql}
    modules = {path.relative_to(ROOT / "src").as_posix()
               for path in (ROOT / "src/lydite").rglob("*.py")}  # fmt: skip
    assert {name for name in names if name.endswith(".py")} == modules
    assert {name.split("/")[0] for name in names} == {"lydite", f"lydite-{__version__}.dist-info"}


def test_the_sdist_gives_the_wheel_of_the_checkout(dist, tmp_path):
    [sdist] = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames()}
    assert tops == {"src", "sql", "README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml",
                    "PKG-INFO", ".gitignore"}  # fmt: skip
    built = run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT, cwd=tmp_path)
    assert built.returncode == 0, built.stdout + built.stderr
    assert content(wheel_in(tmp_path)) == content(wheel_in(dist))


def test_the_metadata_name_version_extras_and_entry_points(dist):
    with zipfile.ZipFile(wheel_in(dist)) as archive:
        info = f"lydite-{__version__}.dist-info"
        metadata = archive.read(f"{info}/METADATA").decode()
        entry_points = archive.read(f"{info}/entry_points.txt").decode()
    assert f"Version: {__version__}\n" in metadata
    assert "Provides-Extra: dagster\n" in metadata
    assert "Project-URL: Changelog, " in metadata
    assert "[dagster_dg_cli.registry_modules]\nlydite = lydite.dagster\n" in entry_points


def test_the_command_works_without_the_checkout(dist, tmp_path):
    """The wheel in a fresh environment, with the dependencies of the one that runs the tests."""
    python = new_environment(tmp_path / "env")
    site = next((tmp_path / "env/lib").glob("python*/site-packages"))
    ours = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "dependencies.pth").write_text(f"import sys; sys.path.append({ours!r})\n")
    install(python, "--no-deps", "--no-index", wheel_in(dist))
    found = run(python, "-c", "import lydite; print(lydite.__file__)", cwd=tmp_path)
    assert str(tmp_path) in found.stdout
    simulate("last_touch", users=3_000, seed=4).write(tmp_path)
    done = run(
        tmp_path / "env/bin/lydite", "compare", "--touchpoints", "touchpoints.parquet",
        "--conversions", "conversions.parquet", "--models", "last_touch,first_touch",
        "--format", "json", "--report", "report.html", "--database", "out.duckdb", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    models = json.loads(done.stdout)["outcomes"]["conversion"]["models"]
    assert models[0]["model"] == "last_touch"
    assert (tmp_path / "report.html").exists()
    assert (tmp_path / "out.duckdb").exists()
    for command in (("init", "shop", "--from", "ga4"), ("check", "--settings", "shop/lydite.toml")):
        done = run(tmp_path / "env/bin/lydite", *command, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "Ready to run" in done.stdout


@pytest.fixture
def environment(dist, tmp_path) -> Path:
    """Return an environment after ``pip install 'lydite[dagster]'`` with the newest versions.

    If `make test-wheel` has made one of the same wheel, it is that one.
    """
    wheels = list((ROOT / "var/wheel").glob("*.whl"))
    made = ROOT / "var/wheel/env"
    if [content(wheel) for wheel in wheels] == [content(wheel_in(dist))] and made.exists():
        return made
    python = new_environment(tmp_path / "env")
    install(python, f"lydite[dagster] @ {wheel_in(dist).as_uri()}")
    return tmp_path / "env"


def test_the_component_materialises_everything_in_a_new_project(environment, tmp_path):
    """The component in a project with a defs.yaml of four lines."""
    project = tmp_path / "project"
    defs = project / "src/shop/defs/attribution"
    defs.mkdir(parents=True)
    (project / "src/shop/__init__.py").touch()
    (project / "pyproject.toml").write_text(PROJECT)
    (project / "lydite.toml").write_text(SETTINGS)
    (defs / "defs.yaml").write_text(COMPONENT)
    simulate("linear", users=1_500, seed=1).write(project / "data")
    program = f"import sys; sys.path.insert(0, 'src')\n{MATERIALIZE}"
    done = run(environment / "bin/python", "-c", program, cwd=project)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["lydite"].startswith(str(environment))
    # A person promotes a model; no job does.
    assert found["missing"] == ["AssetKey(['decisions', 'promotion'])"]
    assert len(found["checks"]) == 32
    assert all(found["checks"])
    assert found["models"] == ["last_touch", "linear"]
