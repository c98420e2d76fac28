# A worker or an auditor, for CPUs and for GPUs: the wheels of torch bring the CUDA libraries with them.
FROM python:3.11-slim-bookworm AS build
# Where CPU-only wheels of torch can be had: a much smaller image, without GPUs.
ARG PIP_EXTRA_INDEX_URL=
WORKDIR /source
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY client client
COPY service service
COPY worker worker
RUN python -m venv /opt/preimage \
    && /opt/preimage/bin/pip install --no-cache-dir --constraint constraints.txt ".[worker]"

FROM python:3.11-slim-bookworm
# A new volume takes over owner and mode of the folder that it is mounted on.
RUN useradd --system --uid 10001 --no-create-home preimage \
    && install --directory --owner=preimage /cache /weights
COPY --from=build /opt/preimage /opt/preimage
COPY deploy/docker/health.py /opt/preimage/health.py
ENV PATH=/opt/preimage/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
EXPOSE 8793 8794
CMD ["preimage", "work"]
