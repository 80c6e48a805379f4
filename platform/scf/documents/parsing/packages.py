"""ZIP packages, opened within bounds: nothing is written to disk, nothing unpacked before its size is known."""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from scf.documents.parsing.errors import PackageInvalid, PackageUnsafe
from scf.documents.parsing.values import excerpt

MEMBERS_MAX: Final = 10_000
MEMBER_BYTES_MAX: Final = 64 * 1024 * 1024
TOTAL_BYTES_MAX: Final = 512 * 1024 * 1024
RATIO_MAX: Final = 200
RATIO_FROM_BYTES: Final = 1024 * 1024  # below, a ratio harms nobody
NAME_LENGTH_MAX: Final = 500

_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 0x1
_UTF8: Final = 0x800
_DRIVE = re.compile(r"[A-Za-z]:")
_FAULTS: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    ValueError,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)
"""What zipfile raises over a damaged package."""


class Package:
    """A ZIP file by the names of its members; every one of them is within the bounds."""

    def __init__(
        self,
        file: BinaryIO,
        *,
        bytes_max: int = TOTAL_BYTES_MAX,
        within: "Package | None" = None,
    ) -> None:
        """Read the directory. What a package in another unpacks counts for that one too.

        Raises PackageInvalid, PackageUnsafe.
        """
        self._bytes_max = bytes_max
        self._unpacked = 0
        self._within = within
        try:
            self._zip = zipfile.ZipFile(file)
        except _FAULTS as error:
            raise PackageInvalid(reason=excerpt(str(error))) from None
        self._members: dict[str, zipfile.ZipInfo] = {}
        members = self._zip.infolist()
        _bound("members", len(members), MEMBERS_MAX)
        _bound("size", sum(member.file_size for member in members), bytes_max)
        for member in members:
            if not member.is_dir():
                self._admit(member)

    def _admit(self, member: zipfile.ZipInfo) -> None:
        name = _name(member)
        if name in self._members:
            raise PackageInvalid(part=excerpt(name), reason="文件名重复 named twice")
        if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
            raise PackageInvalid(
                part=excerpt(name), reason="已加密或压缩方式不支持 encrypted or not deflated"
            )
        _bound("member size", member.file_size, MEMBER_BYTES_MAX, part=name)
        if member.file_size > RATIO_FROM_BYTES:
            _bound("ratio", member.file_size // max(member.compress_size, 1), RATIO_MAX, part=name)
        self._members[name] = member

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def read(self, name: str) -> bytes:
        """Return a member's bytes. Raises PackageInvalid where it is not there or damaged."""
        member = self._members.get(name)
        if member is None:
            raise PackageInvalid(part=excerpt(name), reason="缺少该文件 missing")
        self.charge(member.file_size)
        try:
            with self._zip.open(member) as stream:
                # Without a size zipfile inflates all that is packed, however little is declared.
                return stream.read(member.file_size)
        except _FAULTS as error:
            raise PackageInvalid(part=excerpt(name), reason=excerpt(str(error))) from None

    def charge(self, size: int) -> None:
        """Count what is unpacked, again where a part is read again. Raises PackageUnsafe."""
        self._unpacked += size
        _bound("unpacked", self._unpacked, self._bytes_max)
        if self._within is not None:
            self._within.charge(size)


def resolve(location: str, *, beside: str = "") -> str:
    """Return a part's name from a location written in another part. Raises PackageUnsafe.

    A location is absolute in the package (`/Doc_0/…`), or relative to the folder of the part that names it.
    """
    base = "" if location.startswith("/") else posixpath.dirname(beside)
    name = posixpath.normpath(posixpath.join(base, location.lstrip("/")))
    _stay_inside(name)
    return name


def _name(member: zipfile.ZipInfo) -> str:
    """Return a member's name as text: UTF-8 where it is marked so, else as Chinese Windows writes it."""
    name = member.filename
    if not member.flag_bits & _UTF8 and not name.isascii():
        try:
            name = name.encode("cp437").decode("gb18030")
        except UnicodeError:
            name = name.encode("ascii", "replace").decode()
    name = name.replace("\\", "/")
    _bound("name", len(name), NAME_LENGTH_MAX)
    _stay_inside(name)
    return posixpath.normpath(name)


def _stay_inside(name: str) -> None:
    """Raise PackageUnsafe where a name leads out of the package."""
    if name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/"):
        raise PackageUnsafe(
            part=excerpt(name), reason="文件名指向包外 the name leads out of the package"
        )


def _bound(what: str, count: int, limit: int, *, part: str = "") -> None:
    if count > limit:
        raise PackageUnsafe(part=excerpt(part), what=what, count=count, count_max=limit)
