# The gRPC frontend. No torch.
FROM python:3.11-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY client client
COPY service service
COPY worker worker
RUN python -m venv /opt/preimage \
    && /opt/preimage/bin/pip install --no-cache-dir --constraint constraints.txt ".[service]"

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home preimage
COPY --from=build /opt/preimage /opt/preimage
COPY deploy/docker/health.py /opt/preimage/health.py
ENV PATH=/opt/preimage/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
EXPOSE 8790 8791 8792
CMD ["preimage", "serve"]
