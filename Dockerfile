# The wordhive command in an image.
#   docker build -t wordhive .                                   CPU
#   docker build -t wordhive:gpu --build-arg VARIANT=gpu .       CUDA: FAISS on the GPU, torch's CUDA build
#   docker run --rm -v "$PWD:/data" wordhive index docs.jsonl --to my.hive
ARG PYTHON=3.11
FROM python:${PYTHON}-slim

ARG VARIANT=cpu
# An extra package index that serves torch's CPU build (on Linux the default one serves the CUDA build, gigabytes larger).
ARG TORCH_INDEX=

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 OMP_WAIT_POLICY=passive NUMBA_CACHE_DIR=/opt/numba

WORKDIR /opt/wordhive
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY wordhive wordhive
COPY cli cli
COPY configs configs
COPY eval eval
COPY index index
COPY retrieval retrieval

# constraints.txt pins faiss-cpu, which the gpu variant does not install.
RUN if [ "$VARIANT" = cpu ] && [ -n "$TORCH_INDEX" ]; then \
        pip install -c constraints.txt --extra-index-url "$TORCH_INDEX" torch; \
    fi \
    && pip install -c constraints.txt ".[$VARIANT,offline]" \
    && mkdir -p "$NUMBA_CACHE_DIR" && chmod 1777 "$NUMBA_CACHE_DIR" \
    && HF_HUB_OFFLINE=1 wordhive --version

RUN useradd --create-home wordhive && mkdir /data && chown wordhive /data
USER wordhive
WORKDIR /data
ENTRYPOINT ["wordhive"]
CMD ["--help"]
