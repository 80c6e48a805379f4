# One image for every process of ours and for the development chain; docker-compose.yml says which.
FROM python:3.11-slim-bookworm

WORKDIR /app
COPY requirements.lock package.json package-lock.json .npmrc ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock \
 && npm ci --ignore-scripts --omit=dev \
 && useradd --system scf \
 && install --directory --owner=scf --mode=0700 /data

COPY pyproject.toml README.md LICENSE ./
COPY platform platform
COPY ledger ledger
COPY workers workers
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

USER scf
VOLUME /data
EXPOSE 8700
