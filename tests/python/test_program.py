"""The same bits as the program; fits, classes, the hub; README's program."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import featup
from conftest import write_png


def run(program, *arguments, cwd):
    subprocess.run([program, *map(str, arguments)], cwd=cwd, check=True, capture_output=True)


@pytest.mark.parametrize("size, option", [(224, "224"), ((96, 128), "96x128"), ("own", "own")])
def test_features_have_the_program_s_bits(size, option, image, program, tmp_path):
    write_png(tmp_path / "photo.png", image)
    run(program, "upsample", "photo.png", "--size", option, cwd=tmp_path)
    expected = np.load(tmp_path / "featup-out" / "photo.npy")
    assert np.array_equal(featup.features(image, size=size), expected)


def test_fit_and_its_file(image, backbone, program, tmp_path):
    stages = set()
    fit = featup.fit(image, backbone, size=64, views=6, held_out=2, progress=lambda share, stage: stages.add(stage))
    assert fit.shape == (64, 80, 192) and len(stages) >= 1 and fit.explained <= 1
    fit.save(tmp_path / "photo.fit.safetensors")
    run(program, "query", "photo.fit.safetensors", "--size", "100x130", "-o", "out.npy", cwd=tmp_path)
    expected = np.load(tmp_path / "out.npy")
    assert np.array_equal(fit((100, 130)), expected)
    again = featup.Fit((tmp_path / "photo.fit.safetensors").read_bytes())
    assert np.array_equal(again((100, 130), (10, 20, 30, 40)), expected[10:40, 20:60])
    assert np.allclose(again.points([[5, 6]], (100, 130)), expected[5, 6], atol=1e-4)
    assert isinstance(featup.load(tmp_path / "photo.fit.safetensors"), featup.Fit)


def test_words_from_vectors(image, program, tmp_path, backbone):
    """Two vectors of the image itself: the square and the background are found."""
    coarse = backbone.features(image, "own")
    np.save(tmp_path / "words.npy", np.stack([coarse[3, 4], coarse[0, 0]]))
    words = featup.Words(tmp_path / "words.npy", channels=192)
    assert words.names == ["0", "1"] and words.channels == 192 and not words.are_numbers
    found = featup.segment(image, words, backbone, size="own")
    assert found.labels.shape == found.confidence.shape == (112, 160)
    assert found.labels[50, 70] == 0 and found.labels[5, 5] == 1 and found.mask("0")[50, 70]
    scores = featup.scores(image, words, backbone, size="own")
    assert scores.shape == (112, 160, 2)
    assert np.array_equal(scores.argmax(2), found.labels)
    unsure = featup.segment(image, words, backbone, size="own", threshold=1.1)
    assert (unsure.labels == 255).all()


def test_hub_says_where_to_find_what_it_does_not_download(tmp_path, monkeypatch):
    monkeypatch.setenv("FEATUP_HOME", str(tmp_path))
    with pytest.raises(featup.FileError, match="https://.*/pretrained/dino16_jbu_stack_cocostuff.ckpt") as caught:
        featup.hub("dino16")
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(featup.FileError, match="pretrained/no_norm/maskclip"):
        featup.hub("maskclip")


def test_cancelling(image, backbone, upsampler):
    with pytest.raises(featup.Cancelled):
        upsampler(image, backbone, progress=lambda share, stage: False)
    with pytest.raises(ZeroDivisionError):
        featup.fit(image, backbone, size=64, progress=lambda share, stage: 1 / 0)


def python(code, **more):
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, **more})


def test_ctrl_c_ends_a_long_call_at_once():
    import signal

    # A shell may have given its jobs a signal that is ignored.
    child = python("""
import featup, signal, numpy as np
signal.signal(signal.SIGINT, signal.default_int_handler)
image = np.random.default_rng(0).integers(0, 256, (448, 448, 3), np.uint8)
print("ready", flush=True)
featup.fit(image, size=448, views=5000, early_stop=False)
""")
    assert child.stdout.readline() == "ready\n"
    try:
        child.wait(1.5)
    except subprocess.TimeoutExpired:
        pass
    child.send_signal(signal.SIGINT)
    try:
        _, errors = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode != 0 and "KeyboardInterrupt" in errors


def test_a_forked_child_computes_the_same():
    child = python("""
import os, featup, numpy as np
image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
backbone, upsampler = featup.Backbone(), featup.Upsampler()
expected = upsampler(image, backbone, size=64)
pid = os.fork()
same = np.array_equal(upsampler(image, backbone, size=64), expected)
if pid == 0:
    os._exit(0 if same else 1)
assert same and os.waitpid(pid, 0)[1] == 0
print("same")
""")
    output, errors = child.communicate(timeout=60)
    assert output == "same\n", errors


def test_one_model_in_many_threads(image, backbone, upsampler):
    from concurrent.futures import ThreadPoolExecutor

    expected = upsampler(image, backbone, size=64)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: upsampler(image, backbone, size=64), range(12)))
    assert all(np.array_equal(result, expected) for result in results)


def test_2000_calls_of_mixed_sizes_grow_nothing(backbone, upsampler):
    def resident():
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 64, 3), np.uint8)

    def calls(n):
        for i in range(n):
            upsampler(image[:, : 40 + i % 25], backbone, size=(16 * (1 + i % 3), 16 * (1 + i % 4)))

    featup.set_cache_limit(32 << 20)
    calls(200)
    before = resident()
    calls(2000)
    assert resident() - before < 8 << 20
    featup.set_cache_limit(None)


def test_readme_programs(source, image, tmp_path):
    text = (source / "README.md").read_text()
    programs = re.findall(r"```python\n(.*?import featup.*?)```", text, re.S)
    assert programs
    for program in programs:
        np.save(tmp_path / "photo.npy", image)
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "(224, 304, 192)" in done.stdout


def test_everything_public_has_a_docstring():
    for name in featup.__all__:
        assert getattr(featup, name).__doc__, name
    for kind in (featup.Backbone, featup.Upsampler, featup.Fit, featup.Words):
        for name, member in vars(kind).items():
            if callable(member) and not name.startswith("_"):
                assert member.__doc__, f"{kind.__name__}.{name}"


def test_an_installation_into_a_venv(source, tmp_path, monkeypatch):
    """pip installs the package without a network, and it finds the library that it brings along."""
    pytest.importorskip("ensurepip", reason="python3-venv is not there")
    import venv

    venv.create(tmp_path / "venv", with_pip=True, system_site_packages=True)
    own = tmp_path / "venv" / "bin" / "python"
    install = ["-m", "pip", "install", "-q", "--no-index", "--disable-pip-version-check", source / "tools" / "python"]
    done = subprocess.run([own, *install], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    monkeypatch.delenv("FEATUP_LIBRARY"), monkeypatch.delenv("PYTHONPATH")
    code = ("import featup, numpy as np; print(featup.__file__); print(featup.__version__);"
            "print(featup.features(np.zeros((32, 32, 3), np.uint8), size=32).shape)")
    done = subprocess.run([own, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    output = done.stdout.split("\n")
    assert str(tmp_path) in output[0] and output[1] == featup.__version__ and output[2] == "(32, 32, 192)"


def test_the_types_have_the_same_names_and_arguments(source):
    """The stub beside the package says what the package has."""
    import ast
    import inspect

    stub = ast.parse((source / "tools" / "python" / "featup" / "__init__.pyi").read_text())

    def arguments(node):
        a = node.args
        names = [x.arg for x in a.posonlyargs + a.args + a.kwonlyargs]
        return [*names, *([a.vararg.arg] if a.vararg else []), *([a.kwarg.arg] if a.kwarg else [])]

    found = {node.name: node for node in stub.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert set(featup.__all__) == {name for name in found if not name.startswith("_")}
    for name, node in found.items():
        if isinstance(node, ast.FunctionDef):
            assert arguments(node) == list(inspect.signature(getattr(featup, name)).parameters), name
        elif not name.startswith("_"):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not member.decorator_list:
                    theirs = list(inspect.signature(getattr(getattr(featup, name), member.name)).parameters)
                    assert arguments(member) == theirs, f"{name}.{member.name}"
