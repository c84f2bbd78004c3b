# The image of all services: code location, webserver and daemon. `docker compose up --build` builds it.
# The versions of the packages are those of requirements.lock, with which the tests pass.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
WORKDIR /build
COPY pyproject.toml requirements.lock README.md LICENSE CHANGELOG.md ./
COPY src/lydite src/lydite
COPY sql sql
RUN python -m venv /opt/lydite \
    && /opt/lydite/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
        --constraint requirements.lock '.[currency,dagster,deploy,excel,experiments,postgres,remote]'

FROM python:${PYTHON}-slim
# A numeric user, so that Kubernetes can check that it is not root.
RUN useradd --uid 10001 --create-home lydite \
    && install --directory --owner lydite --group lydite /project \
    && install --directory --mode 1777 /dagster /dagster/logs /var/cache/lydite
COPY --from=build /opt/lydite /opt/lydite
WORKDIR /app
COPY pyproject.toml ./
COPY pipelines pipelines
COPY deploy/workspace.yaml workspace.yaml
COPY --chown=lydite:lydite deploy/dagster.yaml /dagster/dagster.yaml
ENV PATH=/opt/lydite/bin:$PATH \
    DAGSTER_HOME=/dagster \
    LYDITE_CONFIG=/project/lydite.toml \
    NUMBA_CACHE_DIR=/var/cache/lydite \
    PYTHONUNBUFFERED=1
USER 10001:10001
# A small comparison compiles the loops of the models ahead of the first run.
RUN cd /tmp && lydite simulate --world linear --users 2000 --out world --quiet \
    && lydite compare --touchpoints world/touchpoints.parquet \
        --conversions world/conversions.parquet --quiet \
    && rm -r world
EXPOSE 3000 4000
# That of the code location; compose.yaml has those of the other services.
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s \
    CMD ["dagster", "api", "grpc-health-check", "--port", "4000"]
CMD ["dagster", "code-server", "start", "--host", "0.0.0.0", "--port", "4000", \
     "--working-directory", "/app", "--module-name", "pipelines.definitions"]
