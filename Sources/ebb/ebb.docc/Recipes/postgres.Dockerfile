# Stop: INT, which the base image sets and ebb recognises. postgres ends its sessions once no query
# is in flight, and exits with 0.
FROM postgres
COPY --from=ebb /ebb /ebb
STOPSIGNAL SIGINT
ENTRYPOINT ["/ebb", "--", "docker-entrypoint.sh"]
CMD ["postgres"]
