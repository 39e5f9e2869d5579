# Stop: TERM, once every client has closed its WebSocket or --drain-timeout is over. With
# EBB_DRAIN=zero an idle WebSocket keeps the drain open. With the default, idle, only one that sends
# or receives does.
FROM python:3
RUN pip install uvicorn websockets
COPY --from=ebb /ebb /ebb
WORKDIR /srv
COPY app.py ./
ENV EBB_DRAIN=zero
ENTRYPOINT ["/ebb", "--"]
CMD ["uvicorn", "--host", "0.0.0.0", "--port", "8000", "app:app"]
