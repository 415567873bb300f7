"""Makes hostile files out of good ones: cut off, with changed bytes, and safetensors whose header lies. tools/hostile.py calls it."""
import json
import os
import random
import struct

# Folders of tests/fuzz/corpus whose files are what a user may have on disk, and their ending; "": as they are named.
KINDS = {"npy": ".npy", "npz": ".npz", "safetensors": ".safetensors", "backbone": ".safetensors", "upsampler": ".safetensors",
         "probe": ".safetensors", "words": ".safetensors", "fitted_map": ".fit.safetensors", "torch_zip": ".pth",
         "torch_legacy": ".pth", "picture": "", "shard_index": ".safetensors.index.json", "model_config": ".json"}


def with_header(data, change):
    """A safetensors file with a changed header; its offsets and tensors stay."""
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    change(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data[8 + size:]


def lies(rng):
    """What a header can say that is not so, one by one."""
    def tensor(header):
        return header[rng.choice([name for name in header if name != "__metadata__"])]

    def rename(header, name):
        old = rng.choice([name for name in header if name != "__metadata__"])
        header[name] = header.pop(old)

    yield "huge", lambda h: tensor(h).update(shape=[1 << 40, 1 << 40])
    yield "negative", lambda h: tensor(h).update(shape=[-1])
    yield "no_shape", lambda h: tensor(h).update(shape=[])
    yield "past_the_end", lambda h: tensor(h).update(data_offsets=[0, 1 << 50])
    yield "backwards", lambda h: tensor(h).update(data_offsets=[8, 0])
    yield "other_type", lambda h: tensor(h).update(dtype=rng.choice(["F8_E4M3", "I64", "BOOL", "F64", "?"]))
    yield "name", lambda h: rename(h, "\x1b[31m\n" + "a" * 5000)
    yield "missing", lambda h: rename(h, "unknown")
    yield "metadata", lambda h: h.setdefault("__metadata__", {}).update({k: "9" * 400 for k in h.get("__metadata__", {})}, format="featup fit 999")


def variants(data, rng):
    """(name, bytes) of each."""
    for k in range(3):
        yield "cut%d" % k, data[:rng.randrange(len(data))]
    for k in range(3):
        changed = bytearray(data)
        for _ in range(1 + 3 * k):
            changed[rng.randrange(min(len(data), 2048 if k else 64))] = rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])
        yield "bytes%d" % k, bytes(changed)
    yield "twice", data + data
    if data[8:9] == b"{":
        for name, change in lies(rng):
            yield name, with_header(data, change)
        numbers = bytearray(data)
        start = 8 + struct.unpack("<Q", data[:8])[0]
        for value in (float("nan"), float("inf"), 3e38):
            at = start + 4 * rng.randrange(max(1, (len(data) - start) // 4))
            numbers[at:at + 4] = struct.pack("<f", value)
        yield "numbers", bytes(numbers[:len(data)])


def make(corpus, folder, seed=1):
    """Writes the variants of all files of a corpus into a folder; always the same ones for a seed."""
    for kind, ending in sorted(KINDS.items()):
        for name in sorted(os.listdir(os.path.join(corpus, kind))):
            with open(os.path.join(corpus, kind, name), "rb") as f:
                data = f.read()
            stem, own = os.path.splitext(name)
            for what, changed in variants(data, random.Random("%d %s %s" % (seed, kind, name))):
                with open(os.path.join(folder, "%s_%s_%s%s" % (kind, stem, what, ending or own)), "wb") as f:
                    f.write(changed)
    with open(os.path.join(folder, "empty.safetensors"), "wb"), open(os.path.join(folder, "empty.png"), "wb"):
        pass
