# Stop: TERM. uvicorn finishes its requests and exits with 0.
FROM python:3
RUN pip install uvicorn
COPY --from=ebb /ebb /ebb
WORKDIR /srv
COPY app.py ./
ENTRYPOINT ["/ebb", "--"]
CMD ["uvicorn", "--host", "0.0.0.0", "--port", "8000", "app:app"]
