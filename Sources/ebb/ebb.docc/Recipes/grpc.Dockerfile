# Stop: TERM, once no call is in flight. With the protocol of the port, ebb
# can tell keep-alive pings from calls. The app needs no handler; without one it exits with 143.
FROM python:3
RUN pip install grpcio
COPY --from=ebb /ebb /ebb
WORKDIR /srv
COPY server.py ./
ENV EBB_PORTS=50051=grpc
ENTRYPOINT ["/ebb", "--"]
CMD ["python3", "server.py"]
