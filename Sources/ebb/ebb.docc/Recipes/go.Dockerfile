# Stop: TERM, once no request is in flight. An app without a handler exits with 143;
# http.Server.Shutdown makes it 0.
FROM scratch
COPY --from=ebb /ebb /ebb
COPY app /app
ENTRYPOINT ["/ebb", "--"]
CMD ["/app"]
