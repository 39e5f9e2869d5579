# Stop: TERM, once no request is in flight. The script ends with exec, so the app gets the signal
# and its exit code counts.
FROM python:3
COPY --from=ebb /ebb /ebb
COPY --chmod=755 <<EOF /entry.sh
#!/bin/sh
set -e
echo "preparing"
exec "\$@"
EOF
WORKDIR /srv
COPY server.py ./
ENTRYPOINT ["/ebb", "--", "/entry.sh"]
CMD ["python3", "server.py"]
