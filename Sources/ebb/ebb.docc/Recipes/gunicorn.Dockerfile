# Stop: TERM. gunicorn finishes its requests, for at most --graceful-timeout, and exits with 0.
FROM python:3
RUN pip install gunicorn
COPY --from=ebb /ebb /ebb
WORKDIR /srv
COPY app.py ./
ENTRYPOINT ["/ebb", "--"]
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--graceful-timeout", "20", "app:app"]
