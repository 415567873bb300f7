"""What goes in and comes out: kinds of arrays, layouts, copies, errors."""

import gc

import numpy as np
import pytest

import featup

SIZE = 64


@pytest.fixture(scope="module")
def expected(image, backbone, upsampler):
    return upsampler(image, backbone, size=SIZE)


def test_shape_and_type(expected):
    assert expected.shape == (64, 80, 192) and expected.dtype == np.float32 and expected.flags.c_contiguous


@pytest.mark.parametrize("make", [
    lambda a: (a, {}),
    lambda a: (a.astype(np.float64) / 255, {}),
    lambda a: (a.astype(np.float32) / 255, {}),
    lambda a: (np.concatenate([a, a[:, :, :1]], 2), {}),
    lambda a: (a[:, :, ::-1].copy(), {"order": "BGR"}),
    lambda a: (a[:, :, ::-1], {"order": "BGR"}),
    lambda a: (np.asfortranarray(a), {}),
    lambda a: (np.repeat(a, 2, 1)[:, ::2], {}),
    lambda a: (a[::-1].copy()[::-1], {}),
    lambda a: (a.tolist() and memoryview(a), {}),
])
def test_images_of_many_kinds_give_the_same_bits(make, image, backbone, upsampler, expected):
    x, more = make(image)
    assert np.array_equal(upsampler(x, backbone, size=SIZE, **more), expected)


def test_channels_first(image, backbone, upsampler, expected):
    first = upsampler(image.transpose(2, 0, 1), backbone, size=SIZE, channels="first")
    assert first.shape == (192, 64, 80) and np.array_equal(first.transpose(1, 2, 0), expected)


def test_grey(image, backbone, upsampler):
    grey = image[:, :, 0]
    same = np.repeat(grey[:, :, None], 3, 2)
    one = upsampler(same, backbone, size=SIZE)
    assert np.array_equal(upsampler(grey, backbone, size=SIZE), one)
    assert np.array_equal(upsampler(np.broadcast_to(grey[:, :, None], same.shape), backbone, size=SIZE), one)


class OnCpu:
    """Speaks DLPack, as tensors of PyTorch and JAX do."""

    def __init__(self, a):
        self._a = a

    def __dlpack__(self, **more):
        return self._a.__dlpack__(**more)

    def __dlpack_device__(self):
        return self._a.__dlpack_device__()


class OnOtherDevice(OnCpu):
    def __dlpack_device__(self):
        return 2, 0


def test_dlpack(image, backbone, upsampler, expected):
    assert np.array_equal(upsampler(OnCpu(image.copy()), backbone, size=SIZE), expected)
    with pytest.raises(featup.DeviceError, match="device 2"):
        upsampler(OnOtherDevice(image), backbone)


def test_array_protocol(image, backbone, upsampler, expected):
    class Box:
        def __array__(self, dtype=None):
            return image

    assert np.array_equal(upsampler(Box(), backbone, size=SIZE), expected)


def test_results_are_not_copied_and_live_as_long_as_someone_looks(image, backbone, upsampler):
    gc.collect()
    before = featup.memory()["live"]
    result = upsampler(image, backbone, size=SIZE)
    assert not result.flags.owndata and result.flags.writeable
    view = result[3:5]
    copy = view.copy()
    del result
    gc.collect()
    assert np.array_equal(view, copy)
    del view
    gc.collect()
    assert featup.memory()["live"] == before


def test_out(image, backbone, upsampler, expected):
    room = np.zeros((64, 80 * 2, 192), np.float32)
    out = room[:, ::2]
    assert upsampler(image, backbone, size=SIZE, out=out) is out
    assert np.array_equal(out, expected) and not room[:, 1::2].any()
    with pytest.raises(featup.ShapeError, match="63x80"):
        upsampler(image, backbone, size=SIZE, out=out[1:])
    with pytest.raises(TypeError, match="float32"):
        upsampler(image, backbone, size=SIZE, out=np.zeros(expected.shape))


def test_projection_and_points(image, backbone, upsampler, expected):
    matrix = np.random.default_rng(0).normal(size=(192, 3)).astype(np.float32)
    three = upsampler(image, backbone, size=SIZE, projection=matrix, offset=[1, 2, 3])
    assert three.shape == (64, 80, 3)
    assert np.allclose(three, expected @ matrix + [1, 2, 3], atol=1e-3)
    at = upsampler.points(image, [[0, 0], [63, 79], [10, 20]], backbone, size=SIZE)
    assert np.array_equal(at, expected[[0, 63, 10], [0, 79, 20]])


def test_features_of_your_own(image, backbone, upsampler, expected):
    coarse = backbone.features(image, SIZE)
    assert coarse.shape == (4, 5, 192)
    assert np.array_equal(upsampler(image, features=coarse, out_size=(64, 80)), expected)
    seen = []
    own = featup.Backbone.from_function(lambda x: seen.append(x.shape) or x[::16, ::16] * 2, 16, 3)
    assert upsampler(image, own, size=SIZE).shape == (64, 80, 3) and seen == [(64, 80, 3)]
    wrong = featup.Backbone.from_function(lambda x: x, 16, 3)
    with pytest.raises(ValueError, match=r"expected \(4, 5, 3\)"):
        upsampler(image, wrong, size=SIZE)


@pytest.mark.parametrize("x, error, text", [
    (np.zeros((4, 4, 2), np.uint8), ValueError, "1, 3 or 4 channels"),
    (np.zeros((0, 4, 3), np.uint8), featup.ShapeError, "at least 1"),
    (np.zeros((8, 8, 3), np.uint8), featup.UsageError, "one patch"),
    (np.zeros((40, 40, 3), np.int64), TypeError, "int64"),
    (np.zeros(5, np.uint8), ValueError, "shape"),
    (object(), TypeError, "no array"),
    ("photo.jpg", TypeError, "path"),
])
def test_images_that_are_none(x, error, text, backbone, upsampler):
    with pytest.raises(error, match=text):
        upsampler(x, backbone)


def test_errors_have_their_kinds():
    with pytest.raises(OSError, match="nowhere") as caught:
        featup.Backbone("nowhere.pth")
    assert isinstance(caught.value, featup.FileError)
    with pytest.raises(ValueError, match="no-such-option|fields are") as caught:
        featup.Backbone(no_such_option=1)
    assert isinstance(caught.value, featup.UsageError)
    with pytest.raises(featup.FileError, match="bytes"):
        featup.Upsampler(b"nonsense")


def test_memory_limit(image, backbone, upsampler):
    featup.set_memory_limit(featup.memory()["live"] + 100000)
    try:
        with pytest.raises(MemoryError):
            upsampler(image, backbone)
    finally:
        featup.set_memory_limit(None)
    featup.set_cache_limit(1 << 20)
    upsampler(image, backbone)
    assert featup.memory()["cached"] <= 1 << 20
    featup.set_cache_limit(None)
    featup.trim_cache()
    assert featup.memory()["cached"] == 0


def test_closing(image):
    with featup.Backbone() as backbone:
        assert backbone.channels == 192 and backbone.patch == 16
    with pytest.raises(ValueError, match="closed"):
        backbone.features(image)
    backbone.close()
