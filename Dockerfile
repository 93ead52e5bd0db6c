# The environment of requirements.lock; runs and books go to /data, which the caller mounts:
#   docker build -t lcgan .                        # for a GPU: docker build --build-arg TORCH= -t lcgan .
#   docker run --rm -v "$PWD/data:/data" lcgan lcgan run evaluation
FROM python:3.11-slim
# Debian serves only the newest version of a package, so that a pinned one is gone soon
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make git \
    && rm -rf /var/lib/apt/lists/*
ARG TORCH=cpu
WORKDIR /lcgan
COPY requirements.lock pyproject.toml README.md LICENSE Makefile ./
COPY profiles profiles
COPY lcgan_core lcgan_core
RUN make setup TORCH="$TORCH"
COPY . .
ENV PATH=/lcgan/.venv/bin:$PATH LCGAN_RUNS=/data/runs LCGAN_SALT=/data/salt
VOLUME /data
CMD ["lcgan", "--help"]
