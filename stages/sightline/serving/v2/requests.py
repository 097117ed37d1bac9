"""An inference request of the Open Inference Protocol v2: what it holds, and what it asks for."""

import json
from typing import Any, NamedTuple

from pydantic import BaseModel, Field, StrictBool, ValidationError

from sightline.serving.errors import ServiceError, bad_request


class InputParameters(BaseModel):
    """`binary_data_size` is how many bytes behind the JSON are the tensor's."""

    binary_data_size: int | None = Field(None, ge=0, strict=True)


class Input(BaseModel):
    """A tensor that is sent."""

    name: str
    shape: list[int] = Field(min_length=1, max_length=8)
    datatype: str
    parameters: InputParameters = InputParameters()
    data: Any = None


class OutputParameters(BaseModel):
    """Whether the tensor is wanted as binary data; how many `class:` texts in place of its numbers, 0: none."""

    binary_data: StrictBool | None = None
    classification: int = Field(0, ge=0, strict=True)


class Output(BaseModel):
    """A tensor that is asked for."""

    name: str
    parameters: OutputParameters = OutputParameters()


class RequestParameters(BaseModel):
    """Whether tensors are wanted as binary data where they do not say."""

    binary_data_output: StrictBool = False


class InferenceRequest(BaseModel):
    """The JSON of a request."""

    id: str | None = None
    parameters: RequestParameters = RequestParameters()
    inputs: list[Input] = Field(min_length=1, max_length=1)
    outputs: list[Output] = Field([], max_length=1)


class Inference(NamedTuple):
    """A request with its only tensor: its bytes, or what stood in the JSON."""

    request: InferenceRequest
    tensor: Input
    data: Any


def read_inference(body: bytes, json_length: str | None) -> Inference:
    """Read a request.

    Parameters
    ----------
    json_length : str or None
        The header Inference-Header-Content-Length: where the JSON ends and binary data begins; None: no binary data.

    Raises
    ------
    ServiceError
        It cannot be understood.
    """
    end = _read_length(json_length, len(body))
    try:
        request = InferenceRequest.model_validate(json.loads(body[:end]))
    except ValidationError as error:
        first = error.errors()[0]
        raise bad_request(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (ValueError, RecursionError):
        raise bad_request("the request is not JSON") from None
    tensor = request.inputs[0]
    if any(length < 1 for length in tensor.shape):
        raise bad_request(f"inputs.0.shape: {tensor.shape} has no elements")
    return Inference(request, tensor, _data_of(tensor, body[end:]))


def _read_length(text: str | None, most: int) -> int:
    if text is None:
        return most
    if not text.isascii() or not text.isdigit() or int(text) > most:
        raise bad_request("Inference-Header-Content-Length: must be the length of the JSON in the body")
    return int(text)


def _data_of(tensor: Input, behind: bytes) -> Any:
    size = tensor.parameters.binary_data_size
    if (size or 0) != len(behind):
        raise bad_request(f"binary_data_size is {size or 0}, but {len(behind)} bytes are behind the JSON")
    if size is not None:
        return behind
    if tensor.data is None:
        raise ServiceError(400, "bad_request", "inputs.0: has neither data nor binary_data_size")
    return tensor.data
