"""The service's settings: environment variables, since containers, Kubernetes and Ray all set those."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sightline.common.errors import SightlineError
from sightline.serving.formats import FORMATS
from sightline.serving.model import CPU, count_cores

PREFIX = "SIGHTLINE_"
API_KEY = "x-api-key"
Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]


def _split(value: object) -> object:
    return tuple(part for part in value.replace(" ", "").split(",") if part) if isinstance(value, str) else value


class Settings(BaseModel):
    """Every setting with its default; the environment variable is `SIGHTLINE_` and the name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field("models/exported/model.onnx", description="a file, or a folder of versions <number>/model.onnx")
    name: str = Field("classifier", pattern=r"^[\w.-]+$", description="what the v2 protocol calls the model")
    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 in a container")
    port: int = Field(8000, ge=0, le=65535, description="0: any that is free")
    api_key: str = Field("", repr=False, description="if set, asked for as X-API-Key or Authorization: Bearer")
    cors: tuple[str, ...] = Field((), description="origins whose pages may ask, such as https://a.example; none: off")
    revision: str = Field("", description="Git revision to tell in every answer; empty: that of this folder")
    threads: Positive = Field(default_factory=count_cores, description="that compute; default: all cores")
    decode_threads: Positive = Field(2, description="that decode images")
    providers: tuple[str, ...] = Field((CPU,), description="of onnxruntime, the first that can compute a node does it")
    batch: Positive | None = Field(
        None, description="images computed at once, at most; default: 8, of small ones up to 32; more pays on a GPU"
    )
    batch_wait_ms: float = Field(2.0, ge=0, description="how long a batch waits for images that are being decoded")
    queue: Positive = Field(256, description="images accepted and not answered; above it 503")
    bodies_mb: Positive = Field(256, description="MiB of all requests' bodies together; above it 503")
    body_mb: Positive = Field(20, description="MiB of one request's body; above it 413")
    images: Positive = Field(32, description="images in one request")
    megapixels: float = Field(64, gt=0, description="of one image, by its header; above it 422")
    formats: tuple[str, ...] = Field(("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"), description="others get 415")
    body_s: Seconds = Field(15, description="for a body to arrive; above it 408")
    timeout_s: Seconds = Field(30, description="for a whole request; above it 504")
    watch_s: float = Field(2, ge=0, description="how often to look for a new model; 0: on SIGHUP alone")
    log: str = Field("", description="folder for a line of every answered image; empty: none")
    log_mb: Positive = Field(256, description="MiB of all its lines; the oldest go")
    log_top: Positive = Field(10, description="most probable classes in a line")
    log_images_mb: int = Field(0, ge=0, description="MiB of the images themselves, the oldest go; 0: none is kept")
    candidate: str = Field("", description="a second model, as for MODEL, beside the first as ROLLOUT says")
    rollout: Literal["off", "shadow", "canary", "ab"] = Field("off", description="shadow, canary, ab: how it answers")
    rollout_share: float = Field(0.1, gt=0, le=1, description="of requests, in ab of keys, that it answers")
    rollout_key: str = Field(API_KEY, pattern=r"^[\w-]+$", description="header that is the key of ab; or Authorization")
    rollout_errors: float = Field(0.02, ge=0, lt=1, description="share by which it may fail more often; above: back")
    rollout_slower: float = Field(1.5, ge=1, description="times the current model's 95th percentile; above: back")
    rollout_rest_s: float = Field(600, ge=0, description="then it rests, twice as long each time; 0: for good")
    messages: Literal["text", "json"] = Field("text", description="json: a line with its id for each request too")

    _split_lists = field_validator("cors", "providers", "formats", mode="before")(_split)

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(names) - set(FORMATS))
        if unknown or not names:
            raise ValueError(f"must be some of {','.join(FORMATS)}")
        return names


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from environment variables.

    Raises
    ------
    SightlineError
        One is unknown, or has a value that it cannot have.
    """
    given = {name[len(PREFIX) :].lower(): value for name, value in environment.items() if name.startswith(PREFIX)}
    unknown = sorted(set(given) - set(Settings.model_fields))
    if unknown:
        raise SightlineError(f"{PREFIX}{unknown[0].upper()}: no such setting: python stages/serve.py --help lists them")
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        got = "" if name == "api_key" else f" (got {given[name]!r})"
        message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise SightlineError(f"{PREFIX}{name.upper()}: {message[0].lower()}{message[1:]}{got}") from None


def describe_settings() -> str:
    """Return one line a setting: its variable, its default, what it does."""
    lines = []
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        told = ",".join(default) if isinstance(default, tuple) else "" if default is None else default
        lines.append(f"  {PREFIX}{name.upper():<15} {told!s:<28} {field.description}")
    return "\n".join(lines)
