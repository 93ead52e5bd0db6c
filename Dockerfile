# The environment of requirements.lock; runs and books go to /data, which the caller mounts:
#   docker build -t lcgan .
#   docker run --rm -v "$PWD/data:/data" lcgan lcgan run evaluation
FROM python:3.11-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make git \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /lcgan
COPY requirements.lock pyproject.toml README.md LICENSE Makefile ./
COPY lcgan_core lcgan_core
RUN make setup
COPY . .
ENV PATH=/lcgan/.venv/bin:$PATH LCGAN_RUNS=/data/runs LCGAN_SALT=/data/salt
VOLUME /data
CMD ["lcgan", "--help"]
