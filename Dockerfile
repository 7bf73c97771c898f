# Builds without BuildKit too: no mounts, no frontend line.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /opt/build && python -m venv --without-pip /opt/angarium
# What changes seldom comes first, so that a change of the source does not fetch it again.
COPY pyproject.toml ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
print(*p['dependencies'], *p['optional-dependencies']['fast'], sep='\n')" > runtime.txt \
 && /opt/build/bin/pip --python /opt/angarium/bin/python install --requirement runtime.txt
COPY README.md LICENSE ./
COPY src src
RUN /opt/build/bin/pip --python /opt/angarium/bin/python install --no-deps .

FROM ${PYTHON_IMAGE}
RUN groupadd --system --gid 10001 angarium \
 && useradd --system --uid 10001 --gid angarium --home-dir /nonexistent --shell /usr/sbin/nologin angarium
COPY --from=build /opt/angarium /opt/angarium
ENV PATH=/opt/angarium/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ANGARIUM_HOST=0.0.0.0
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /
EXPOSE 8080
# The program itself is process 1 and takes SIGTERM.
ENTRYPOINT ["angarium"]
CMD ["version"]
