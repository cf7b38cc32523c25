# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin rowcast \
    && install -D -m 755 target/release/rowcast /out/rowcast

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin rowcast
COPY --from=build /out/rowcast /usr/local/bin/rowcast

# A rowcast.toml in this directory is read; every value can also be given as an environment variable.
WORKDIR /etc/rowcast
ENV ROWCAST_SERVER__LISTEN=0.0.0.0:7700
EXPOSE 7700
USER 10001:10001

# Healthy means: the database is reached and the reader has caught up. The image has no curl; bash can do it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7700 && printf 'GET /readyz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r -t 2 _ code _ <&3 && [ \"$code\" = 200 ]"]

ENTRYPOINT ["rowcast"]
CMD ["serve"]
