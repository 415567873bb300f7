"""Published checkpoints called as their authors' code is, words by a text encoder, a file's classifier, limits."""

import json
import struct
import subprocess
import threading

import numpy as np
import pytest

import featup
from conftest import write_png


def read_safetensors(path):
    """Names to (dtype, shape, bytes)."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8:8 + length]), data[8 + length:]
    header.pop("__metadata__", None)
    return {name: (e["dtype"], e["shape"], body[slice(*e["data_offsets"])]) for name, e in header.items()}


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, (dtype, shape, data) in sorted(tensors.items()):
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    body = b"".join(data for _, (_, _, data) in sorted(tensors.items()))
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def random_tensors(shapes, largest):
    rng = np.random.default_rng(3)
    return {name: ("F32", shape, rng.uniform(-largest, largest, shape).astype("<f4").tobytes())
            for name, shape in sorted(shapes.items())}


def run(program, *arguments, cwd):
    done = subprocess.run([program, *map(str, arguments)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---- The hub ----


@pytest.fixture(scope="module")
def checkpoint(program, source, tmp_path_factory):
    """A backbone and a stack for it in one file, as the published ones are."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "photos").mkdir()
    rng = np.random.default_rng(1)
    for i in range(2):
        write_png(folder / "photos" / f"{i}.png", rng.integers(0, 256, (96, 96, 3), np.uint8))
    run(program, "train", "photos", "--steps", 1, "--size", 64, "--batch", 1, "-o", "s.safetensors", cwd=folder)
    both = read_safetensors(source / "featup" / "builtin" / "backbone.safetensors")
    both.update(read_safetensors(folder / "s.safetensors"))
    write_safetensors(folder / "both", both)
    return folder / "both"


def normalised(pixels):
    mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    return ((pixels / 255 - mean) / deviation).transpose(2, 0, 1)[None].astype(np.float32)


def test_hub_models_are_called_as_the_published_code_is(checkpoint, image, program, tmp_path, monkeypatch):
    monkeypatch.setenv("FEATUP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    place = tmp_path / "torch" / "hub" / "checkpoints"
    place.mkdir(parents=True)
    (place / "dino16_jbu_stack_cocostuff.ckpt").write_bytes(checkpoint.read_bytes())
    model = featup.hub("dino16")
    assert model.path == str(place / "dino16_jbu_stack_cocostuff.ckpt")
    batch = np.concatenate([normalised(image), normalised(image[::-1])])
    result = model(batch)
    assert result.shape == (2, 192, 112, 160) and result.dtype == np.float32

    write_png(tmp_path / "photo.png", image)
    options = ["--backbone", checkpoint, "--size", "own"]
    run(program, "upsample", "photo.png", *options, "--upsampler", checkpoint, "--compat", "published", cwd=tmp_path)
    expected = np.load(tmp_path / "featup-out" / "photo.npy")
    assert np.array_equal(result[0].transpose(1, 2, 0), expected)
    assert not np.array_equal(result[1], result[0])
    run(program, "features", "photo.png", *options, cwd=tmp_path)
    coarse = np.load(tmp_path / "featup-out" / "photo.lr.npy")
    assert np.array_equal(model.model(batch)[0].transpose(1, 2, 0), coarse)
    with pytest.raises(ValueError, match=r"expected \(B, 3, H, W\)"):
        model(batch[0])


def test_hub_looks_in_featup_home_first_and_for_the_other_training(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("FEATUP_HOME", str(tmp_path))
    name = "maskclip_jbu_stack_cocostuff.ckpt"
    (tmp_path / "no_norm").mkdir()
    (tmp_path / "no_norm" / name).write_bytes(checkpoint.read_bytes())
    assert featup.hub("maskclip").path == str(tmp_path / "no_norm" / name)
    other = tmp_path / "no_norm_dinov2_jbu_stack_cocostuff.ckpt"
    other.write_bytes(checkpoint.read_bytes())
    assert featup.hub("dinov2", use_norm=False).path == str(other)
    assert featup.hub(str(checkpoint)).path == str(checkpoint)


# ---- Words ----

MERGES = ["c a", "ca t</w>", "d o", "do g</w>", "t h", "th e</w>", "p h", "o t", "ph ot", "phot o</w>", "' s</w>"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A small CLIP of random numbers, its text encoder and vocabulary, in a folder as Hugging Face gives it."""
    shapes, width = {}, 64

    def norm(name):
        shapes[name + ".weight"] = shapes[name + ".bias"] = (width,)

    def linear(name, out, into):
        shapes[name + ".weight"], shapes[name + ".bias"] = (out, into), (out,)

    def block(name):
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            linear(name + "self_attn." + part, width, width)
        norm(name + "layer_norm1"), norm(name + "layer_norm2")
        linear(name + "mlp.fc1", 96, width), linear(name + "mlp.fc2", width, 96)

    vision, text = "vision_model.", "text_model."
    shapes[vision + "embeddings.class_embedding"] = (width,)
    shapes[vision + "embeddings.position_embedding.weight"] = (17, width)
    shapes[vision + "embeddings.patch_embedding.weight"] = (width, 3, 8, 8)
    norm(vision + "pre_layrnorm"), norm(vision + "post_layernorm")
    block(vision + "encoder.layers.0."), block(text + "encoder.layers.0.")
    shapes[text + "embeddings.token_embedding.weight"] = (525, width)
    shapes[text + "embeddings.position_embedding.weight"] = (12, width)
    norm(text + "final_layer_norm")
    shapes["visual_projection.weight"] = shapes["text_projection.weight"] = (24, width)
    shapes["logit_scale"] = ()

    # CLIP's numbers: visible bytes, the other bytes, all of them at a word's end, then the merges.
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in visible]
    letters = [chr(byte) for byte in visible] + [chr(256 + i) for i in range(len(hidden))]
    pieces = letters + [letter + "</w>" for letter in letters] + [merge.replace(" ", "") for merge in MERGES]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    folder = tmp_path_factory.mktemp("clip")
    write_safetensors(folder / "model.safetensors", random_tensors(shapes, 0.5))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *MERGES]) + "\n")
    (folder / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    return folder


def test_words_have_the_program_s_bits(clip, image, program, tmp_path):
    write_png(tmp_path / "photo.png", image)
    words = featup.Words(["cat", "dog", "the photo"], clip, templates="one")
    assert words.names == ["cat", "dog", "the photo"] and words.channels == 24 and len(words) == 3
    backbone = featup.Backbone(clip)
    found = featup.scores(image, words, backbone, size=32, out_size=(120, 160))
    # Vectors of words are kept beside the weights; what the program finds there must be what it would make.
    run(program, "segment", "photo.png", "--backbone", clip, "--text", "cat, dog, the photo", "--templates", "one",
        "--size", 32, "--scores", cwd=tmp_path)
    expected = np.load(tmp_path / "featup-out" / "photo.scores.npy")
    assert np.array_equal(found, expected)
    assert np.array_equal(featup.segment(image, words, backbone, size=32, out_size=(120, 160)).labels,
                          expected.argmax(2))
    run(program, "text", "cat, dog, the photo", "--backbone", clip, "--templates", "one", "-o", "w.safetensors",
        cwd=tmp_path)
    read = featup.Words(tmp_path / "w.safetensors", channels=24)
    assert read.names == words.names
    assert np.array_equal(featup.scores(image, read, backbone, size=32, out_size=(120, 160)), found)


def test_words_that_cannot_be_encoded(clip, tmp_path):
    with pytest.raises(ValueError, match="text encoder"):
        featup.Words(["cat"])
    with pytest.raises(featup.FileError):
        featup.Words(["cat"], tmp_path / "nothing.safetensors")
    with pytest.raises(featup.UsageError):
        featup.Words(["cat"], clip, templates="eight")
    with pytest.raises(featup.FileError):
        featup.Words(["cat"], clip, tokenizer=clip / "model.safetensors")
    with pytest.raises(featup.Error):
        featup.scores(np.zeros((32, 32, 3), np.uint8), featup.Words(["cat"], clip, templates="one"), size=32)


# ---- A file's classifier ----


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A small transformer of random numbers that knows seven classes, by DeiT's names."""
    width, shapes = 64, {"cls_token": (1, 1, 64), "pos_embed": (1, 10, 64), "patch_embed.proj.weight": (64, 3, 8, 8)}
    shapes["patch_embed.proj.bias"] = (width,)
    for i in range(2):
        for norm in ("norm1", "norm2"):
            shapes[f"blocks.{i}.{norm}.weight"] = shapes[f"blocks.{i}.{norm}.bias"] = (width,)
        for name, out, into in (("attn.qkv", 192, 64), ("attn.proj", 64, 64), ("mlp.fc1", 96, 64), ("mlp.fc2", 64, 96)):
            shapes[f"blocks.{i}.{name}.weight"], shapes[f"blocks.{i}.{name}.bias"] = (out, into), (out,)
    shapes["norm.weight"] = shapes["norm.bias"] = (width,)
    shapes["head.weight"], shapes["head.bias"] = (7, width), (7,)
    path = tmp_path_factory.mktemp("head") / "vit.safetensors"
    write_safetensors(path, random_tensors(shapes, 0.3))
    (path.parent / "config.json").write_text(json.dumps({"id2label": {str(i): f"kind {i}" for i in range(7)}}))
    return path


def test_a_classifier_has_the_program_s_bits(classifier, image, program, source, tmp_path):
    write_png(tmp_path / "photo.png", image)
    head = featup.Head(classifier)
    assert head.names == [f"kind {i}" for i in range(7)] and head.channels == head.backbone.channels == 64
    found = featup.scores(image, head, size=32, out_size=(120, 160))
    run(program, "segment", "photo.png", "--backbone", classifier, "--head", "--classes", "0-6", "--size", 32,
        "--scores", cwd=tmp_path)
    assert np.array_equal(found, np.load(tmp_path / "featup-out" / "photo.scores.npy"))
    labels = featup.segment(image, head, size=32, out_size=(120, 160))
    assert np.array_equal(labels.labels, found.argmax(2)) and labels.names[3] == "kind 3"
    with pytest.raises(featup.FileError, match="no classifier"):
        featup.Head(source / "featup" / "builtin" / "backbone.safetensors")


# ---- Limits ----


def test_limits_hold_in_their_block_and_thread(image, backbone, upsampler):
    expected = upsampler(image, backbone, size=64)
    before = featup.threads()
    with featup.limits(threads=1, memory=10**6) as small:
        assert featup.threads() == 1
        with pytest.raises(featup.MemoryLimitError):
            upsampler(image, backbone, size=64)
        with featup.limits(cache=0):
            result = upsampler(image, backbone, size=64)
            assert featup.memory()["live"] >= result.nbytes and featup.memory()["cached"] == 0
        assert featup.threads() == 1
        elsewhere = []
        thread = threading.Thread(target=lambda: elsewhere.append(upsampler(image, backbone, size=64)))
        thread.start(), thread.join()
    assert featup.threads() == before
    assert np.array_equal(result, expected) and np.array_equal(elsewhere[0], expected)
    with small, pytest.raises(featup.MemoryLimitError):
        upsampler(image, backbone, size=64)
