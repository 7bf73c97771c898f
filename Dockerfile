# Builds without BuildKit too: no mounts, no frontend line.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /opt/build && python -m venv --without-pip /opt/angarium
# What changes seldom comes first, so that a change of the source does not fetch it again.
COPY requirements.lock requirements-build.lock ./
RUN /opt/build/bin/pip install --require-hashes --requirement requirements-build.lock \
 && /opt/build/bin/pip --python /opt/angarium/bin/python install --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
 && /opt/build/bin/pip --python /opt/angarium/bin/python install --no-deps --no-index wheels/*.whl

FROM ${PYTHON_IMAGE}
RUN groupadd --system --gid 10001 angarium \
 && useradd --system --uid 10001 --gid angarium --home-dir /nonexistent --shell /usr/sbin/nologin angarium \
 && install --directory --mode=0700 --owner=10001 --group=10001 /data
COPY --from=build /opt/angarium /opt/angarium
ENV PATH=/opt/angarium/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ANGARIUM_HOST=0.0.0.0 ANGARIUM_DATA=/data TMPDIR=/data
# Only `serve` keeps data. A new volume takes the owner and the mode of the folder that it covers.
VOLUME /data
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /
EXPOSE 8080
# The program itself is process 1 and takes SIGTERM.
ENTRYPOINT ["angarium"]
CMD ["version"]
