# featup in a container, from Debian's packages and this tree alone:
#
#   docker build -t featup .
#   docker run --rm --user "$(id -u)" -v "$PWD:/data" featup upsample photo.jpg
#
# tools/container.sh runs these commands where there is no Docker.
FROM debian:bookworm-slim AS build
COPY . /source
RUN /source/tools/package.sh --no-check /packages

FROM debian:bookworm-slim
COPY --from=build /packages/*.deb /tmp/
RUN apt-get update -q && apt-get install -y -q --no-install-recommends /tmp/*.deb && rm -rf /tmp/*.deb /var/lib/apt/lists/*
WORKDIR /data
ENTRYPOINT ["featup"]
CMD ["--help"]
