# Copies a compiler cache, the build context, into the cache that deploy/Dockerfile builds with.
FROM debian:bookworm-slim
ARG TIME
RUN --mount=type=bind,target=/seed --mount=type=cache,id=understudy-ccache,target=/ccache cp -an /seed/. /ccache/ && echo "$TIME"
