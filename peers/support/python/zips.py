"""Writes archives of many kinds with Python's zipfile into the folder that is named."""
import io
import os
import struct
import sys
import zipfile

folder = sys.argv[1]
CONTENT = {"a.txt": b"hello", "dir/": b"", "dir/b.json": b'{"x": 1}', "ü.txt": "grün".encode(), "long.txt": b"0123456789" * 20000}


class Pipe(io.RawIOBase):
    """Somewhere to write that cannot go back: zipfile then writes data descriptors."""

    def __init__(self):
        self.bytes = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.bytes += data
        return len(data)


def save(name, data):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def archive(method, zip64=False, into=None):
    target = io.BytesIO() if into is None else into
    with zipfile.ZipFile(target, "w", method) as zipped:
        for name, data in CONTENT.items():
            info = zipfile.ZipInfo(name, (2024, 2, 29, 12, 30, 10))
            info.compress_type = method
            with zipped.open(info, "w", force_zip64=zip64) as entry:
                entry.write(data)
        zipped.comment = b"a comment"
    return target.bytes if into is not None else target.getvalue()


deflated = archive(zipfile.ZIP_DEFLATED)
save("deflated.zip", deflated)
save("stored.zip", archive(zipfile.ZIP_STORED))
save("zip64.zip", archive(zipfile.ZIP_DEFLATED, zip64=True))
save("descriptors.zip", archive(zipfile.ZIP_DEFLATED, into=Pipe()))
save("before.zip", b"#!/bin/sh\nexit 1\n" + deflated)
save("empty.zip", b"PK\x05\x06" + b"\0" * 18)

# The directory in zip64 form, as for archives with more than 65,535 entries.
many = io.BytesIO()
with zipfile.ZipFile(many, "w") as zipped:
    for index in range(65_600):
        zipped.writestr(f"{index}", b"")
save("many.zip", many.getvalue())

# Bombs: much from little, and more than is claimed.
bomb = io.BytesIO()
with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as zipped:
    zipped.writestr("big.bin", b"\0" * (100 << 20))
save("bomb.zip", bomb.getvalue())
liar = bytearray(bomb.getvalue())
at = liar.rfind(b"PK\x01\x02")
liar[at + 24 : at + 28] = struct.pack("<I", 1000)
save("liar.zip", bytes(liar))

# Damage.
save("cut.zip", deflated[: len(deflated) // 2])
broken = bytearray(deflated)
start = broken.find(b"long.txt") + 8
broken[start + 20 : start + 40] = b"\xff" * 20
save("broken.zip", bytes(broken))
moved = bytearray(deflated)
at = moved.rfind(b"PK\x05\x06")
moved[at + 16 : at + 20] = struct.pack("<I", 0x7FFFFFFF)
save("moved.zip", bytes(moved))
