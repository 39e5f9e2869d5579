# Stop: TERM. redis saves its data and exits with 0.
FROM redis
COPY --from=ebb /ebb /ebb
ENTRYPOINT ["/ebb", "--", "docker-entrypoint.sh"]
CMD ["redis-server", "--save", "3600 1"]
