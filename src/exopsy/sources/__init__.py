"""Opens a collection - folder, archive, archives in archives - and yields its members to be read."""

from exopsy.sources.byte_stream import ReadError, Stream
from exopsy.sources.collection import Collection, open_collection
from exopsy.sources.layout import host_hint, plain_path, site_hint
from exopsy.sources.member import Member

__all__ = [
    "Collection",
    "Member",
    "ReadError",
    "Stream",
    "host_hint",
    "open_collection",
    "plain_path",
    "site_hint",
]
