# Stop: USR1, which the base image sets and ebb recognises. haproxy closes its frontends, finishes
# its requests and exits with 0.
FROM haproxy
COPY --from=ebb /ebb /ebb
STOPSIGNAL SIGUSR1
ENTRYPOINT ["/ebb", "--", "docker-entrypoint.sh"]
CMD ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
