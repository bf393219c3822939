"""An nbgrader course in a folder: our sources in it, its converters run in one process instead of one command each."""

import io
import logging
import os
import shutil
import sys
import warnings
from pathlib import Path

import yaml
from nbgrader.coursedir import CourseDirectory
from source import FOLDER, ROOT, names
from traitlets.config import Config

warnings.filterwarnings("ignore", module="sqlalchemy|nbgrader|traitlets|nbconvert|nbformat|mistune")
logging.getLogger("traitlets").setLevel(logging.ERROR)

# nbgrader looks for alembic, which made its tables, among the commands.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
REPOSITORY = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]


def course(folder):
    """Return an nbgrader course in that folder, with the assignments of this repository as its sources."""
    folder = Path(folder).resolve()
    for name in names():
        (folder / "source" / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / f"{name}.ipynb", folder / "source" / name)
    config = Config()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.course_id = "gmm"
    config.CourseDirectory.db_url = f"sqlite:///{folder / 'gradebook.db'}"
    config.ClearSolutions.code_stub = {"python": "...  # YOUR CODE HERE"}
    (folder / "nbgrader_config.py").write_text('# For `nbgrader formgrader`, if you want to mark in the browser.\n'
                                               'c = get_config()\nc.CourseDirectory.course_id = "gmm"\n', "utf-8")
    return CourseDirectory(config=config)


def convert(converter, directory, assignment, student="*", **traits):
    """Run one of nbgrader's converters on an assignment, for one student or for all."""
    directory.assignment_id, directory.student_id, directory.notebook_id = assignment, student, "*"
    worker = converter(coursedir=directory, config=directory.config, force=True, **traits)
    said = io.StringIO()
    worker.log = logging.Logger("nbgrader")
    worker.log.addHandler(logging.StreamHandler(said))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")             # nbgrader's own, of which nobody here can make use
            worker.start()
    except Exception as error:
        raise RuntimeError(f"nbgrader's {converter.__name__} failed on {assignment}: {said.getvalue()[-2000:]}") from error
