# Stop: TERM, immediately. Nothing listens, so ebb skips delay and drain. The worker finishes its
# job in the grace period.
FROM python:3
COPY --from=ebb /ebb /ebb
WORKDIR /srv
COPY worker.py ./
ENTRYPOINT ["/ebb", "--"]
CMD ["python3", "worker.py"]
