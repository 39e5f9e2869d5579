# Stop: TERM, once no request is in flight. The app needs no handler; without one it exits with 143.
# Do not use `npm start`: npm adds a process that exits immediately on SIGTERM, and ebb gets its
# exit code instead of the app's.
FROM node
COPY --from=ebb /ebb /ebb
WORKDIR /srv
COPY server.js ./
ENTRYPOINT ["/ebb", "--"]
CMD ["node", "server.js"]
