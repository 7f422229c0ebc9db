# The image of the API, the worker and the migrations: one program, three commands (docker-compose.yml).
# Checked statically only and never built: no Docker engine was available.

FROM python:3.11-slim AS build
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /build
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PROJECT_ENVIRONMENT=/opt/taskledger
# Libraries before code: they change less often, so their layer stays cached.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --extra s3 --no-install-project
COPY README.md LICENSE ./
COPY domain domain
COPY commands commands
COPY projections projections
COPY infra infra
COPY api api
COPY cli cli
RUN uv sync --frozen --no-dev --extra s3 --no-editable

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home taskledger && install -d -m 700 -o taskledger /blobs
COPY --from=build /opt/taskledger /opt/taskledger
ENV PATH=/opt/taskledger/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /srv
USER taskledger
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
CMD ["taskledger", "api", "--host", "0.0.0.0", "--port", "8000"]
