# A worker or an auditor, for CPUs and for GPUs: the wheels of torch bring the CUDA libraries with them.
FROM python:3.11.13-slim-bookworm AS build
RUN python -m venv /opt/preimage
# Where CPU-only wheels of torch can be had: a much smaller image, without GPUs.
ARG PIP_EXTRA_INDEX_URL=
WORKDIR /source
# What others wrote changes seldom, and is a layer of its own.
COPY pyproject.toml constraints.txt ./
COPY deploy/docker/requirements.py deploy/docker/requirements.py
# Extras of the project.
ARG EXTRAS="worker tracing"
RUN python deploy/docker/requirements.py ${EXTRAS} >requirements.txt \
    && /opt/preimage/bin/pip install --no-cache-dir --constraint constraints.txt --requirement requirements.txt
# Ours goes to a folder of its own, and so into a small layer.
COPY README.md LICENSE ./
COPY client client
COPY service service
COPY worker worker
RUN /opt/preimage/bin/pip install --no-cache-dir --constraint constraints.txt --no-deps --target /opt/ours .

FROM python:3.11.13-slim-bookworm
# A new volume takes over owner and mode of the folder that it is mounted on.
RUN useradd --system --uid 10001 --no-create-home preimage \
    && install --directory --owner=preimage /cache /weights
COPY --from=build /opt/preimage /opt/preimage
COPY --from=build /opt/ours /opt/ours
COPY deploy/docker/health.py /opt/preimage/health.py
ENV PATH=/opt/ours/bin:/opt/preimage/bin:$PATH PYTHONPATH=/opt/ours PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
EXPOSE 8793 8794
CMD ["preimage", "work"]
