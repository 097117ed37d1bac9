"""The files of a multipart/form-data body, taken apart in memory: Starlette's own form parser writes to disk."""

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from sightline.serving.errors import ServiceError, bad_request


def split_body(body: bytes, content_type: str, most: int) -> list[bytes]:
    """Return the files of a multipart/form-data body, or the body as the only one.

    Raises
    ------
    ServiceError
        The parts cannot be read, or there are none or more than `most`.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        if not body:
            raise bad_request("no image: send one as the body, or several as multipart/form-data")
        return [body]
    form = Form(most)
    try:
        MultipartParser(options.get(b"boundary", b""), form.callbacks()).write(body)
    except FormParserError:
        raise bad_request("multipart/form-data that cannot be read") from None
    if not form.ended:
        raise bad_request("multipart/form-data that cannot be read: its end is missing")
    if not form.files:
        raise bad_request("no image: send each as a part with a file name")
    return form.files


class Form:
    """The files that a parser finds, at most `most`; their names are never used."""

    def __init__(self, most: int):
        self.files: list[bytes] = []
        self.ended = False
        self._most = most

    def callbacks(self) -> dict:
        """Return what the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_begin": self._begin_header,
            "on_header_field": self._add_to_name,
            "on_header_value": self._add_to_value,
            "on_header_end": self._end_header,
            "on_part_data": self._add,
            "on_part_end": self._end,
            "on_end": self._end_all,
        }

    def _begin(self) -> None:
        self._content = bytearray()
        self._is_file = False

    def _begin_header(self) -> None:
        self._name = bytearray()
        self._value = bytearray()

    def _add_to_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._is_file = b"filename" in parse_options_header(bytes(self._value))[1]

    def _add(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._content += data[start:end]

    def _end(self) -> None:
        if self._is_file:
            self.files.append(bytes(self._content))
        if len(self.files) > self._most:
            raise ServiceError(413, "too_many_images", f"more than {self._most} images in one request")

    def _end_all(self) -> None:
        self.ended = True
