# Stop: TERM, a warm shutdown. The worker finishes its tasks and exits with 0. Nothing listens, so
# ebb skips the delay.
FROM python:3
RUN pip install celery
COPY --from=ebb /ebb /ebb
WORKDIR /srv
COPY tasks.py ./
ENTRYPOINT ["/ebb", "--"]
CMD ["celery", "-A", "tasks", "worker", "--concurrency", "1"]
