# The service (stages/serve.py) in a container that Docker, Kubernetes, SageMaker, Vertex AI and Azure ML accept:
#   docker build --tag sightline .                                        # with models/exported/model.onnx inside
#   docker build --target service --tag sightline-service .               # without: mount it at /models, read-only
#   docker run --rm --read-only --publish 127.0.0.1:8080:8080 sightline   # any setting: --env SIGHTLINE_...
FROM python:3.11-slim AS service

WORKDIR /app
COPY requirements-serve.txt ./
RUN pip install --no-cache-dir --requirement requirements-serve.txt
COPY stages ./stages
RUN python -m compileall -q stages
# as a command named `serve`, since SageMaker runs `docker run <image> serve`
RUN printf '#!/bin/sh\nexec python /app/stages/serve.py\n' > /usr/local/bin/serve && chmod 755 /usr/local/bin/serve

ARG REVISION=""
ENV SIGHTLINE_HOST=0.0.0.0 SIGHTLINE_PORT=8080 SIGHTLINE_MODEL=/models/model.onnx SIGHTLINE_REVISION=$REVISION
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"SIGHTLINE_PORT\"]}/v2/health/ready', timeout=4)"]
# a number, so that Kubernetes sees that it is not root
ARG USER=10001
USER $USER
CMD ["serve"]

FROM service
COPY models/exported/model.onnx /models/
