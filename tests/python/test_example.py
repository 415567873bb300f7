"""The example in tools/python/examples writes one page that needs nothing else."""

import re
import subprocess
import sys

import numpy as np
import pytest


def run(source, folder, *arguments, environment=None):
    script = source / "tools" / "python" / "examples" / "photo_to_probe.py"
    done = subprocess.run([sys.executable, script, *arguments], cwd=folder, capture_output=True, text=True,
                          env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("with_sklearn", [True, False])
def test_the_page_of_the_drawn_scene(with_sklearn, source, tmp_path):
    if with_sklearn:
        pytest.importorskip("sklearn", reason="python3-sklearn is not there")
        output = run(source, tmp_path)
    else:
        import os

        (tmp_path / "sklearn.py").write_text("raise ImportError")
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        output = run(source, tmp_path, environment={**os.environ, "PYTHONPATH": path})
    assert ("least squares" in output) == (not with_sklearn)
    assert float(re.search(r"([0-9.]+)% of all pixels", output).group(1)) > 90
    page = (tmp_path / "photo_to_probe.html").read_text()
    assert page.count('src="data:image/png;base64,') == 4 and page.count("<pre>") == 5
    assert not re.search(r"(src|href)=\"(?!data:)|url\(|<script", page)
    assert "LogisticRegression" in page and "labelled pixels" in page


def test_the_page_of_an_array(image, source, tmp_path):
    np.save(tmp_path / "photo.npy", image)
    assert "wrote page.html" in run(source, tmp_path, "photo.npy", "-o", "page.html")
    assert (tmp_path / "page.html").read_text().count("data:image/png") == 4
