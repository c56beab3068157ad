"""What a picture says without a signature: IPTC's digital source type, as XMP.

Readers of pictures show it and search engines read it. Nothing vouches for it; where there is a
key, the claim covers it too.
"""

import struct
import zlib

from faceplate.errors import BadSettings
from faceplate.provenance.header import DIGITAL_SOURCE_TYPE

__all__ = ["with_source_type"]

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_IHDR_END = 8 + 25  # signature; length, name, 13 bytes and checksum of the first chunk
_XMP_IN_JPEG = b"http://ns.adobe.com/xap/1.0/\0"

# ISO 16684-1; the property is Iptc4xmpExt:DigitalSourceType of the IPTC Photo Metadata Standard.
_PACKET = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF \
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" \
xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">\
<Iptc4xmpExt:DigitalSourceType>{DIGITAL_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>\
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>""".encode()


def with_source_type(picture: bytes) -> bytes:
    """Return a PNG or JPEG file that says that its picture is a composite with trained media.

    Args:
        picture: The whole file, as an encoder has just made it, without XMP.

    Raises:
        BadSettings: It is neither.
    """
    if picture.startswith(_PNG):
        body = b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + _PACKET
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        return picture[:_IHDR_END] + chunk + picture[_IHDR_END:]
    if picture.startswith(_JPEG):
        at = 2
        if picture[2:4] == b"\xff\xe0":  # JFIF wants its own segment first
            at = 4 + struct.unpack(">H", picture[4:6])[0]
        body = _XMP_IN_JPEG + _PACKET
        segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
        return picture[:at] + segment + picture[at:]
    raise BadSettings("only PNG and JPEG pictures are marked")
