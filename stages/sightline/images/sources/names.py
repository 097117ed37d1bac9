"""What a file's name tells before it is read: litter, a file beside the images, or a name that no table can hold."""

import re
import unicodedata

LITTER = {  # in lower case; .dvcignore names them too, so that what a system adds later runs nothing again
    "__macosx",
    "thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "icon\r",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
}
OF_IMAGES = """
    .jpg .jpeg .jpe .jfif .png .apng .bmp .dib .gif .webp .tif .tiff .ppm .pgm .pbm .pnm .tga .ico .avif .heic
    .heif .jp2 .j2k .jxl .dcm
"""
IMAGE_SUFFIXES = frozenset(OF_IMAGES.split())
ARCHIVES_WITHIN = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")
# what people and programs leave beside images
BESIDE_IMAGES = """
    .txt .md .rst .tex .pdf .doc .docx .odt .rtf .html .htm .css .log .csv .tsv .xls .xlsx .ods .parquet .feather
    .arrow .db .sqlite .dbf .json .jsonl .ndjson .geojson .xml .xsd .yaml .yml .toml .ini .cfg .conf .names .lst
    .list .pts .lab .aae .xmp .thm .mov .mp4 .m4v .avi .mkv .webm .mpg .mpeg .3gp .wmv .wav .mp3 .m4a .flac .ogg
    .py .ipynb .m .r .sh .bat .ps1 .js .c .h .cpp .java .mat .npz .pkl .pickle .tfrecord .pt .pth .onnx
    .safetensors .prototxt .caffemodel .md5 .sha1 .sha256 .sha512 .lnk .url .webloc .tfw .jgw .pgw .wld .prj .cpg
    .shp .shx .ovr .bak .tmp .dvc
"""
SIDE_SUFFIXES = frozenset(BESIDE_IMAGES.split())
SIDE_NAMES = {"readme", "license", "licence", "copying", "notice", "authors", "changelog", "makefile", "checksums"}
MISSING = {"nan", "<na>", "nat", "#n/a", "n/a", "null"}  # how programs write that a label is not there
NOT_ALWAYS_TEXT = re.compile("[\ud800-\udfff]")  # how Python holds bytes that are not UTF-8
CONTROLS = re.compile("[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]")


def is_litter(name: str) -> bool:
    """Tell whether a path is hidden or left behind by an operating system."""
    return any(step.startswith(".") or step.lower() in LITTER for step in name.split("/"))


def is_hidden_image(name: str) -> bool:
    """Tell whether a path has the suffix of an image and would be one, were it or a folder around it not hidden."""
    steps = [step for step in name.split("/") if step.startswith(".")]
    meant = steps and not any(step.startswith("._") or step.lower() in LITTER for step in name.split("/"))
    return bool(meant) and name.lower().endswith(tuple(IMAGE_SUFFIXES))


def side_kind(name: str) -> str:
    """Return what a file beside the images is counted under, ``.json`` or ``readme``; ``""`` for a possible image."""
    last = name.rpartition("/")[2].lower()
    _, dot, ending = last.rpartition(".")
    if dot + ending in SIDE_SUFFIXES:
        return dot + ending
    return last if last in SIDE_NAMES else ""


def name_fault(name: str) -> str:
    """Return why a name cannot stand in a table, ``""`` where it can."""
    if name.isprintable():
        return ""
    if NOT_ALWAYS_TEXT.search(name):
        return "the name is not UTF-8: rename it"
    return "the name has a control character: rename it" if CONTROLS.search(name) else ""


def shown(name: str) -> str:
    r"""Return a name that can be printed and written: ``Gr\xf6n`` for a byte that is not UTF-8, ``a\rb``."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """Return a text with blanks for line ends and other control characters, which readers of a table stumble over."""
    return text if text.isprintable() else CONTROLS.sub(" ", text).strip()


def tidy(label: str) -> str:
    """Return a class name as all its spellings that look the same share it: composed letters, single blanks."""
    return " ".join(unicodedata.normalize("NFC", label).split())
