# MLflow's own server with a driver for PostgreSQL
FROM python:3.12-slim
RUN pip install --no-cache-dir "mlflow>=3.17,<4,!=3.18.0" "psycopg[binary]>=3.2" \
    && useradd --create-home --uid 1000 mlflow && install --directory --owner mlflow /artifacts
USER mlflow
VOLUME /artifacts
EXPOSE 5000
