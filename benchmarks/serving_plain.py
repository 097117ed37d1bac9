"""The peer of benchmarks/serving.py: a FastAPI handler around a torch network, as tutorials write it.

Run by uvicorn in a working folder of the stages, whose trained network it loads.
"""

import io

import torch
from fastapi import FastAPI, UploadFile
from PIL import Image
from torchvision import transforms

from sightline.networks.saved import load_members, read_spec

FOLDER = "models/trained"

spec = read_spec(FOLDER)
network = load_members(FOLDER, spec)[0].network.eval()
transform = transforms.Compose(
    [
        transforms.Resize(spec.input_size),
        transforms.CenterCrop(spec.input_size),
        transforms.ToTensor(),
        transforms.Normalize(spec.mean, spec.std),
    ]
)
app = FastAPI()


@app.post("/classify")
async def classify(image: UploadFile) -> dict:
    """Classify the file of a form."""
    picture = Image.open(io.BytesIO(await image.read())).convert("RGB")
    with torch.no_grad():
        probabilities = network(transform(picture)[None]).softmax(1)[0]
    best = int(probabilities.argmax())
    return {"class": spec.classes[best], "probability": float(probabilities[best])}
